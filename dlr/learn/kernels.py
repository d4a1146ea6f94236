"""The LASSO path, gaussian and binomial, for glmnet's objective. Arrays in, coefficients out.

Objective: (1/2n) |y - b0 - Xb|^2 + lambda |b|_1, or the mean binomial negative log-likelihood + lambda |b|_1.
Coordinate descent as in glmnet finds which coefficients are not zero; on these the quadratic is then solved exactly,
since descent alone takes thousands of sweeps where classes nearly separate.
Source: Friedman, Hastie, Tibshirani 2010 (J Stat Softw 33:1); strong rules, Tibshirani et al. 2012 (JRSS B 74:245).
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["binomial_path", "gaussian_path"]


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
    beta, residual, weight, curvature = np.zeros(p), y.copy(), np.ones(n), np.ones(p)
    gradient = _gradient(columns, residual)
    eligible = np.zeros(p, dtype=np.bool_)
    for k in range(len(lambdas)):
        lam = lambdas[k]
        _strong_rule(eligible, gradient, 2 * lam - lambdas[max(k - 1, 0)])
        sweeps, settled = 0, False
        while not settled and sweeps < max_sweeps:
            _, taken = _descend(
                columns, weight, residual, beta, 0.0, eligible, curvature, lam, tolerance, max_sweeps - sweeps
            )
            sweeps += taken
            gradient = _gradient(columns, residual)
            settled = not _strong_rule(eligible, gradient, lam)
        coefficients[k] = beta
        explained[k] = 1.0 - np.dot(residual, residual) / n
        if stop_early and k >= 4 and (explained[k] > 0.999 or explained[k] - explained[k - 1] < 1e-5 * explained[k]):
            return coefficients[: k + 1], explained[: k + 1]
    return coefficients, explained


@njit(cache=True)
def binomial_path(columns, y, lambdas, stop_early, tolerance, max_sweeps):  # type: ignore[no-untyped-def]
    """Intercepts (k,), coefficients (k, p) and explained shares of deviance (k,) of a logistic LASSO.

    columns : float64 (p, n), a row a feature with mean 0 and mean square 1.  y : float64 (n,), 0 or 1, both present.
    Newton steps outside, a weighted quadratic inside; the early stop as in `gaussian_path`, but on an absolute growth
    of the explained share under 1e-5.
    """
    p, n = columns.shape
    coefficients, intercepts = np.zeros((len(lambdas), p)), np.zeros(len(lambdas))
    explained = np.zeros(len(lambdas))
    prevalence = np.mean(y)
    null_deviance = -2.0 * (prevalence * np.log(prevalence) + (1 - prevalence) * np.log(1 - prevalence))
    intercept = np.log(prevalence / (1 - prevalence))
    beta, start, curvature = np.zeros(p), np.zeros(p), np.zeros(p)
    weight, residual = np.zeros(n), y - prevalence
    gradient = _gradient(columns, residual)
    eligible = np.zeros(p, dtype=np.bool_)
    for k in range(len(lambdas)):
        lam = lambdas[k]
        _strong_rule(eligible, gradient, 2 * lam - lambdas[max(k - 1, 0)])
        sweeps, settled = 0, False
        while not settled and sweeps < max_sweeps:
            converged = False
            while not converged and sweeps < max_sweeps:
                eta = _linear(columns, beta, intercept)
                for i in range(n):
                    probability = min(max(1.0 / (1.0 + np.exp(-eta[i])), 1e-9), 1.0 - 1e-9)
                    weight[i], residual[i] = probability * (1.0 - probability), y[i] - probability
                for j in range(p):
                    start[j] = beta[j]
                    if eligible[j]:
                        square = 0.0
                        for i in range(n):
                            square += weight[i] * columns[j, i] * columns[j, i]
                        curvature[j] = square / n
                before = intercept
                intercept, taken = _descend(
                    columns, weight, residual, beta, intercept, eligible, curvature, lam, tolerance, max_sweeps - sweeps
                )
                sweeps += taken
                moved = np.mean(weight) * (intercept - before) ** 2
                for j in range(p):
                    if eligible[j]:
                        moved = max(moved, curvature[j] * (beta[j] - start[j]) ** 2)
                converged = moved < tolerance
            eta = _linear(columns, beta, intercept)
            for i in range(n):
                residual[i] = y[i] - 1.0 / (1.0 + np.exp(-eta[i]))
            gradient = _gradient(columns, residual)
            settled = not _strong_rule(eligible, gradient, lam)
        coefficients[k], intercepts[k] = beta, intercept
        deviance = 0.0
        for i in range(n):
            signed = eta[i] if y[i] == 1.0 else -eta[i]
            deviance += 2.0 * (np.log1p(np.exp(-abs(signed))) - min(signed, 0.0))
        explained[k] = 1.0 - deviance / n / null_deviance
        if stop_early and k >= 4 and (explained[k] > 0.999 or explained[k] - explained[k - 1] < 1e-5):
            return intercepts[: k + 1], coefficients[: k + 1], explained[: k + 1]
    return intercepts, coefficients, explained


@njit(cache=True)
def _descend(columns, weight, residual, beta, intercept, eligible, curvature, lam, tolerance, max_sweeps):  # type: ignore[no-untyped-def]
    """Minimise the weighted quadratic + lambda |b|_1 over eligible coefficients and the intercept.

    residual : weighted, (n,); it and beta change in place.  Ends when a full sweep moves no coefficient by more than
    the tolerance (squared, times its curvature). Returns the intercept and the sweeps taken.
    """
    sweeps = 0
    while sweeps < max_sweeps:
        largest, intercept = _sweep(columns, weight, residual, beta, intercept, eligible, curvature, lam)
        sweeps += 1
        if largest < tolerance:
            break
        intercept = _solve_active(columns, weight, residual, beta, intercept, lam)
    return intercept, sweeps


@njit(cache=True)
def _sweep(columns, weight, residual, beta, intercept, eligible, curvature, lam):  # type: ignore[no-untyped-def]
    """One round of coordinate descent; returns the largest squared step times curvature, and the intercept."""
    p, n = columns.shape
    largest = 0.0
    for j in range(p):
        if not eligible[j]:
            continue
        target = curvature[j] * beta[j] + np.dot(columns[j], residual) / n
        new = np.sign(target) * max(abs(target) - lam, 0.0) / curvature[j]
        step = new - beta[j]
        if step != 0.0:
            beta[j] = new
            for i in range(n):
                residual[i] -= weight[i] * step * columns[j, i]
            largest = max(largest, curvature[j] * step * step)
    total = np.sum(weight)
    step = np.sum(residual) / total
    for i in range(n):
        residual[i] -= weight[i] * step
    return max(largest, total / n * step * step), intercept + step


@njit(cache=True)
def _solve_active(columns, weight, residual, beta, intercept, lam):  # type: ignore[no-untyped-def]
    """Go to the exact minimum on the non-zero coefficients, signs kept; one that would cross zero stops there.

    Every move goes towards the minimum of a convex quadratic on a face, so the objective only falls. Nothing is done
    where the system is singular (as many coefficients as patients): descent then goes on alone.
    """
    n = len(residual)
    while True:
        active = np.flatnonzero(beta)
        k = len(active)
        if k == 0:
            return intercept
        z, slope, matrix = np.ones((n, k + 1)), np.zeros(k + 1), np.zeros((k + 1, k + 1))
        for a in range(k):
            z[:, a + 1] = columns[active[a]]
            slope[a + 1] = -lam * np.sign(beta[active[a]])
        for i in range(n):  # inner loops run along rows, which the compiler turns into vector instructions
            for a in range(k + 1):
                slope[a] += residual[i] / n * z[i, a]
                scaled = weight[i] / n * z[i, a]
                for b in range(a + 1):
                    matrix[a, b] += scaled * z[i, b]
        step, solved = _cholesky_solve(matrix, slope)
        if not solved:
            return intercept
        share, first = 1.0, -1
        for a in range(k):
            b = beta[active[a]]
            if b * (b + step[a + 1]) <= 0.0 and -b / step[a + 1] < share:
                share, first = -b / step[a + 1], a
        for i in range(n):
            change = 0.0
            for a in range(k + 1):
                change += step[a] * z[i, a]
            residual[i] -= weight[i] * share * change
        intercept += share * step[0]
        for a in range(k):
            beta[active[a]] += share * step[a + 1]
        if first < 0:
            return intercept
        beta[active[first]] = 0.0


@njit(cache=True)
def _cholesky_solve(matrix, right):  # type: ignore[no-untyped-def]
    """Solve a symmetric system, lower half given; the second value is False where it is not safely positive."""
    k = len(right)
    lower, x = np.zeros((k, k)), right.copy()
    for i in range(k):
        for j in range(i + 1):
            rest = matrix[i, j]
            for m in range(j):
                rest -= lower[i, m] * lower[j, m]
            if i > j:
                lower[i, j] = rest / lower[j, j]
            elif rest <= 1e-10 * matrix[i, i]:
                return x, False
            else:
                lower[i, i] = np.sqrt(rest)
    for i in range(k):
        for j in range(i):
            x[i] -= lower[i, j] * x[j]
        x[i] /= lower[i, i]
    for i in range(k - 1, -1, -1):
        for j in range(i + 1, k):
            x[i] -= lower[j, i] * x[j]
        x[i] /= lower[i, i]
    return x, True


@njit(cache=True)
def _gradient(columns, residual):  # type: ignore[no-untyped-def]
    gradient = np.empty(len(columns))
    for j in range(len(columns)):
        gradient[j] = np.dot(columns[j], residual) / len(residual)
    return gradient


@njit(cache=True)
def _linear(columns, beta, intercept):  # type: ignore[no-untyped-def]
    eta = np.full(columns.shape[1], intercept)
    for j in range(len(beta)):
        if beta[j] != 0.0:
            for i in range(len(eta)):
                eta[i] += beta[j] * columns[j, i]
    return eta


@njit(cache=True)
def _strong_rule(eligible, gradient, bound):  # type: ignore[no-untyped-def]
    """Admit features whose gradient is above the bound; True where one was new."""
    new = False
    for j in range(len(gradient)):
        if not eligible[j] and abs(gradient[j]) > bound:
            eligible[j], new = True, True
    return new
