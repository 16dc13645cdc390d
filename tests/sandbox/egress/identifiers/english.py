"""English sentences of statistical reports, which name nobody, and of letters and files, which do."""

HONEST = """
We fitted a Gaussian mixture model with five components to the income data.
Kaplan-Meier curves were compared with the log-rank test.
Kaplan Meier estimates of default times differ between regions.
P-values were adjusted with the Bonferroni correction and with Benjamini-Hochberg.
The Gini coefficient rose from 0.31 to 0.34 between 2015 and 2020.
Shapley values show that loan purpose matters most.
A Cox proportional hazards model was fitted with Efron's method for ties.
Weibull and Gompertz distributions were tried for the survival times.
The Random Forest classifier beats Logistic Regression by two points of AUC.
Gradient Boosting reached an AUC of 0.87 on the test set.
Average rents in New York and Los Angeles rose by 4 %.
San Francisco and San Diego show the largest gaps.
The share fell from January to March and recovered in April.
In May and June the number of Saturday deliveries doubled.
Spearman and Pearson correlations agree within 0.02.
The Kolmogorov-Smirnov statistic is 0.41 for the scorecard.
Monte Carlo simulation with 10,000 draws gives a standard error of 0.003.
Markov chain Monte Carlo was run with four chains.
The Hosmer-Lemeshow test does not reject the model.
Cohen's kappa between both raters was 0.78.
Fisher's exact test gives p = 0.03 for the two-by-two table.
The Mann-Whitney test and the Kruskal-Wallis test agree.
The Wilcoxon signed-rank test was used for paired samples.
Student's t-test assumes equal variances, Welch's does not.
Tukey's honest significant difference was used after the analysis of variance.
The Durbin Watson statistic is close to two.
Newey West standard errors allow for autocorrelation.
The Breusch Pagan test shows heteroskedasticity.
Dickey Fuller tests reject a unit root in first differences.
The Box Cox transformation made residuals nearly normal.
The Box Jenkins approach led to a seasonal model.
Nelson Aalen estimates of the cumulative hazard are shown in Figure 3.
The Herfindahl Hirschman index shows little concentration.
The Lorenz curve of Jiangsu lies above that of Zhejiang.
Cramer's V between region and purpose is 0.12.
The Cobb Douglas production function fits well.
Table 4 shows the Chi Square statistics of all categories.
Table 2 Pearson Chi Square tests by region
Table 3 Two Way analysis of variance
Results of the Test Drive campaign are in Table 6.
In 2019 Wall Street banks raised their forecasts.
The United States and the United Kingdom have similar medians.
South Korea and Hong Kong were left out for lack of data.
The World Bank and the International Monetary Fund publish such figures.
The National Bureau of Statistics revised the 2020 series.
The Shanghai Stock Exchange closed higher on Monday.
Data of the Federal Reserve Bank of St. Louis were used.
Goldman Sachs and Morgan Stanley expect growth of 5 %.
Toyota Corolla and Honda Civic are the most common models in the sample.
Mercedes Benz cars have the highest mean price.
Sales of Coca Cola and Pepsi moved together.
The Apple Watch group slept 12 minutes longer on average.
Respondents used Microsoft Excel or Google Sheets.
The analysis was done with Apache Spark and Python.
Stan and JAGS gave the same posterior means.
XGBoost, LightGBM and CatBoost were compared by five-fold validation.
The Adam optimiser was used with a learning rate of 0.001.
Model name: Random Forest
Name: Gradient Boosting Scorecard
Column name: Annual Income
Dataset name: Household Finance Survey
Customer Lifetime Value was highest for the oldest group.
Patient Days per Thousand is the unit of the last column.
Customer segment Gold had a mean balance of 5,210.
Executive Summary
Mean Annual Income by Region and Education
Confusion Matrix of the Logistic Regression
Share of Loans by Purpose, Grade and Home Ownership
The customers in East China borrow more than those in West China.
Black Friday and Cyber Monday explain the peak in November.
During Spring Festival and National Day travel is three times as high.
Golden Week falls into October.
The Great Recession is visible in the series.
The Covid pandemic began in the first quarter of 2020.
Type I and Type II errors are balanced at a cut-off of 0.3.
Hispanic and Asian applicants have the same median score.
Atlanta Braves and Boston Red Sox attract the largest crowds.
JFK and LaGuardia have longer delays than Newark.
Delta Air Lines and United Airlines have the fewest delays.
The University of California data have 4,526 rows.
The Boston Housing data have 506 rows and 14 columns.
The Iris data of Fisher are a toy example.
The Titanic data show that women survived more often.
Penguins of species Adelie and Gentoo differ in bill length.
Alpine Meadow and Douglas Fir plots were measured twice.
Hurricane Katrina and Hurricane Sandy are the costliest storms.
Bayesian Information Criterion and Akaike Information Criterion point to model 2.
Principal Component Analysis kept three components.
The Receiver Operating Characteristic is shown in Figure 2.
The Nash equilibrium of the game is unique.
Taylor rule residuals were small before 2008.
Moran's I shows spatial autocorrelation between districts.
Bland Altman plots show no bias of the new device.
Levenshtein distance below two counts as a match.
The Jarque Bera test rejects normality of the residuals.
The Gauss Markov theorem needs no normal errors.
Pudong New Area has the largest mean loan.
Pareto tails were fitted above the 99th percentile.
Laplace noise with a scale of two was added to each count.
The Dow Jones index and the Nikkei moved together.
She or he who wrote the report need not be named.
The median phone bill is 38.20 and the mean mobile bill is 41.75.
Call 1 had 20,310 answers, call 2 had 18,555.
A household at the median owes 12,400 and pays 310 a month.
Average Days on Market fell in Salt Lake City.
Elastic Net and Ridge Regression shrink the coefficients.
The Likert scale runs from Strongly Disagree to Strongly Agree.
Poisson and Negative Binomial models fit the counts equally well.
The Brier score of Platt scaling is 0.081.
5 Star Hotel Square Feet
Table 5 Gaussian Process Lane Departure
Orders sent to 12 Warehouses in March doubled.
Parcels delivered to 345 Shanghai addresses arrived in time.
Living on 2 Dollars a Day
There were 5 messages to 8341275 users.
用户 Android 占 42%,iPhone 占 58%。
客户使用 Excel 报表与 Power Query。
Mother Tongue and Father Education explain 4 %.
The user Interface Score rose.
The median household lives at 1.2 km from a Metro station.
Dear Sir or Madam,
Reviewer: Quality Board
Author: Data Team
Contact: Statistics Office, Shanghai
Kruskal's algorithm and Dijkstra's algorithm were compared.
Bradley Terry models rank teams.
He said that she lives in the north of the town.
Simpson's paradox appears when departments are pooled.
""".strip().split("\n")
"""What honest reports say; made up for this test, none of them from presidio-research."""
NAMED = (
    ("My name is Ronald Petrenko and I would like to close the account.", True),
    ("Her maiden name is Oyelaran.", True),
    ("Dear Mr Fitzwilliam, thank you for your letter.", True),
    ("Dear Siobhan, here is the file.", True),
    ("Patient: Harriet Vance, seen on Monday.", True),
    ("Please follow up with Patricia Novak before Friday.", True),
    ("This was agreed with Prof. Delacroix in March.", True),
    ("Attn: Gloria Mendes", True),
    ("借款人: Michael Turner 于三月还款。", True),
    ("Laura Whitfield (laura@example.org) answered at once.", True),
    ("The default was explained by Michael Turner after the meeting.", False),
    ("It was Jennifer Robinson who had the largest balance.", False),
    ("他和 Jennifer Robinson 一起去了上海。", False),
    ("She asked why Matthew had left, and he did not answer.", False),
)
"""Each with whether the words beside the name say so."""
STREETS = (
    "He lives at 14 Acacia Avenue.",
    "221 Baker Street, London NW1 6XE",
    "Send it to 1600 Pennsylvania Ave NW, Washington, DC 20500",
    "17 St. Mary's Gardens, Dublin",
    "42 Wallaby Way, Sydney NSW 2000",
    "P.O. Box 1234, Anchorage, AK 99501",
    "PO Box 77, Hobart",
    "350 Fifth Ave, Apt. 12, New York",
    "3 Willow Crescent, Leeds",
    "Hauptstrasse 44, 8001 Zürich",
    "12 rue de Rivoli, Paris",
    "Via Garibaldi 12, Torino",
    "her address is 9 Elm Close, Bath",
)
METHODS = (
    "Kaplan Meier",
    "Mann Whitney",
    "Kruskal Wallis",
    "Shapiro Wilk",
    "Random Forest",
    "Naive Bayes",
    "Logistic Regression",
    "Hosmer Lemeshow",
)
BRANDS = (
    "Ralph Lauren",
    "Calvin Klein",
    "Tommy Hilfiger",
    "Hugo Boss",
    "Louis Vuitton",
    "Coca Cola",
    "Red Bull",
    "Under Armour",
    "New Balance",
    "Jack Daniels",
)
