"""Coordinate descent for the LASSO path: gaussian and binomial, glmnet's objective. Arrays in, coefficients out.

Objective: (1/2n) |y - b0 - Xb|^2 + lambda |b|_1, or the mean binomial negative log-likelihood + lambda |b|_1.
Source: Friedman, Hastie, Tibshirani 2010 (J Stat Softw 33:1); strong rules, Tibshirani et al. 2012 (JRSS B 74:245).
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["binomial_path", "gaussian_path"]


@njit(cache=True)
def _soft(value: float, threshold: float) -> float:
    if value > threshold:
        return value - threshold
    if value < -threshold:
        return value + threshold
    return 0.0


@njit(cache=True)
def gaussian_path(columns, y, lambdas, stop_early, tolerance, max_sweeps):  # type: ignore[no-untyped-def]
    """Coefficients along a falling sequence of lambdas for standardised columns and a standardised outcome.

    columns : float64 (p, n), a row a feature with mean 0 and mean square 1.  y : float64 (n,), likewise.
    Returns coefficients (k, p) and the explained shares (k,); k < len(lambdas) where `stop_early` ended the path by
    glmnet's rules (share above .999, or growing by less than 1e-5 of itself, from the fifth lambda on).
    """
    p, n = columns.shape
    coefficients = np.zeros((len(lambdas), p))
    explained = np.zeros(len(lambdas))
    beta, residual, gradient = np.zeros(p), y.copy(), np.zeros(p)
    eligible = np.zeros(p, dtype=np.bool_)
    for j in range(p):
        gradient[j] = np.dot(columns[j], residual) / n
    previous = lambdas[0]
    for k in range(len(lambdas)):
        lam = lambdas[k]
        for j in range(p):
            if abs(gradient[j]) >= 2 * lam - previous:
                eligible[j] = True
        previous = lam
        sweeps, settled = 0, False
        while not settled and sweeps < max_sweeps:
            only_active = False
            while sweeps < max_sweeps:
                sweeps += 1
                largest = 0.0
                for j in range(p):
                    if not eligible[j] or (only_active and beta[j] == 0.0):
                        continue
                    new = _soft(beta[j] + np.dot(columns[j], residual) / n, lam)
                    step = new - beta[j]
                    if step != 0.0:
                        beta[j] = new
                        for i in range(n):
                            residual[i] -= step * columns[j, i]
                        largest = max(largest, step * step)
                if largest < tolerance:
                    if not only_active:
                        break
                    only_active = False
                else:
                    only_active = True
            settled = True
            for j in range(p):
                gradient[j] = np.dot(columns[j], residual) / n
                if not eligible[j] and abs(gradient[j]) > lam:
                    eligible[j] = True
                    settled = False
        coefficients[k] = beta
        explained[k] = 1.0 - np.dot(residual, residual) / n
        if stop_early and k >= 4 and (explained[k] > 0.999 or explained[k] - explained[k - 1] < 1e-5 * explained[k]):
            return coefficients[: k + 1], explained[: k + 1]
    return coefficients, explained


@njit(cache=True)
def binomial_path(columns, y, lambdas, stop_early, tolerance, max_sweeps):  # type: ignore[no-untyped-def]
    """Intercepts (k,), coefficients (k, p) and explained shares of deviance (k,) of a logistic LASSO.

    columns : float64 (p, n), a row a feature with mean 0 and mean square 1.  y : float64 (n,), 0 or 1, both present.
    Newton steps outside, weighted coordinate descent inside; the early stop as in `gaussian_path`, but on an
    absolute growth of the explained share under 1e-5.
    """
    p, n = columns.shape
    coefficients, intercepts = np.zeros((len(lambdas), p)), np.zeros(len(lambdas))
    explained = np.zeros(len(lambdas))
    prevalence = np.mean(y)
    null_deviance = -2.0 * (prevalence * np.log(prevalence) + (1 - prevalence) * np.log(1 - prevalence))
    intercept = np.log(prevalence / (1 - prevalence))
    beta, eta = np.zeros(p), np.full(n, intercept)
    weight, residual, gradient = np.zeros(n), y - prevalence, np.zeros(p)
    curvature, start = np.zeros(p), np.zeros(p)
    eligible = np.zeros(p, dtype=np.bool_)
    for j in range(p):
        gradient[j] = np.dot(columns[j], residual) / n
    previous = lambdas[0]
    for k in range(len(lambdas)):
        lam = lambdas[k]
        for j in range(p):
            if abs(gradient[j]) >= 2 * lam - previous:
                eligible[j] = True
        previous = lam
        sweeps, settled = 0, False
        while not settled and sweeps < max_sweeps:
            newton_done = False
            while not newton_done and sweeps < max_sweeps:
                total = 0.0
                for i in range(n):
                    probability = 1.0 / (1.0 + np.exp(-eta[i]))
                    probability = min(max(probability, 1e-9), 1.0 - 1e-9)
                    weight[i] = probability * (1.0 - probability)
                    residual[i] = y[i] - probability
                    total += weight[i]
                for j in range(p):
                    start[j] = beta[j]
                    if eligible[j]:
                        square = 0.0
                        for i in range(n):
                            square += weight[i] * columns[j, i] * columns[j, i]
                        curvature[j] = square / n
                start_intercept = intercept
                only_active = False
                while sweeps < max_sweeps:
                    sweeps += 1
                    largest = 0.0
                    for j in range(p):
                        if not eligible[j] or (only_active and beta[j] == 0.0):
                            continue
                        slope = np.dot(columns[j], residual) / n
                        new = _soft(curvature[j] * beta[j] + slope, lam) / curvature[j]
                        step = new - beta[j]
                        if step != 0.0:
                            beta[j] = new
                            for i in range(n):
                                change = step * columns[j, i]
                                eta[i] += change
                                residual[i] -= weight[i] * change
                            largest = max(largest, curvature[j] * step * step)
                    step = np.sum(residual) / total
                    intercept += step
                    for i in range(n):
                        eta[i] += step
                        residual[i] -= weight[i] * step
                    largest = max(largest, total / n * step * step)
                    if largest < tolerance:
                        if not only_active:
                            break
                        only_active = False
                    else:
                        only_active = True
                moved = total / n * (intercept - start_intercept) ** 2
                for j in range(p):
                    if eligible[j]:
                        moved = max(moved, curvature[j] * (beta[j] - start[j]) ** 2)
                newton_done = moved < tolerance
            for i in range(n):
                residual[i] = y[i] - 1.0 / (1.0 + np.exp(-eta[i]))
            settled = True
            for j in range(p):
                gradient[j] = np.dot(columns[j], residual) / n
                if not eligible[j] and abs(gradient[j]) > lam:
                    eligible[j] = True
                    settled = False
        coefficients[k], intercepts[k] = beta, intercept
        deviance = 0.0
        for i in range(n):
            signed = eta[i] if y[i] == 1.0 else -eta[i]
            deviance += 2.0 * np.log1p(np.exp(-signed)) if signed > -700.0 else -2.0 * signed
        explained[k] = 1.0 - deviance / n / null_deviance
        if stop_early and k >= 4 and (explained[k] > 0.999 or explained[k] - explained[k - 1] < 1e-5):
            return intercepts[: k + 1], coefficients[: k + 1], explained[: k + 1]
    return intercepts, coefficients, explained
