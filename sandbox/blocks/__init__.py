"""Differential privacy for any container: the same program on k disjoint blocks of units, and a private median.

One protected unit lies in one block, so it changes one block's numbers, whatever the program does. `preview` prices a
question without data, `run_blocks` splits, runs and combines. Sources: Nissim, Raskhodnikova and Smith 2007 (sample and
aggregate), Mohan and others 2012 (GUPT), Ilvento 2020 (exact exponential mechanism), Cesar and Rogers 2021 (its zCDP).
"""
