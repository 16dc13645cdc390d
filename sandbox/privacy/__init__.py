"""The privacy engine: prices a question before data is read, and answers it with noise.

`plan` turns SQL into trusted SQL with a proven sensitivity and an exact cost; `answer` runs it. Between the
two stands the charge. Source of the design: Dwork and others 2006 (Laplace mechanism), Bun and Steinke 2016
(zCDP), Canonne, Kamath and Steinke 2020 (discrete noise).
"""
