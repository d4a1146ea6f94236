"""The LASSO path, gaussian and binomial, for glmnet's objective. Arrays in, coefficients out.

Objective: (1/2n) |y - b0 - Xb|^2 + lambda |b|_1, or the mean binomial negative log-likelihood + lambda |b|_1.
Newton's quadratic at each lambda is minimised exactly by an active set: the inverse of its matrix on the coefficients
that are not zero is kept, and bordered or cut as one enters or leaves, so that nothing has to creep where columns are
correlated. The matrix of one lambda serves the next for as long as Newton's steps converge with it.
Source: objective and path, Friedman, Hastie, Tibshirani 2010 (J Stat Softw 33:1); strong rules, Tibshirani et al. 2012
(JRSS B 74:245); active set, Osborne, Presnell, Turlach 2000 (IMA J Numer Anal 20:389).
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np
from numba import njit

__all__ = ["lasso_path"]

# What is not zero, in the order it came; place 0 is the intercept, whose sign is 0. rows: (room, n), the columns;
# value, sign, feature: (room,); inverse: (room, room), of rows W rows' / n.
Face = namedtuple("Face", "rows value sign feature inverse")

DEPENDENT = 1e-7  # a column with less than this share of its square apart from the active ones counts as having it
SLOW = 0.2  # Newton's matrix is made anew where a step leaves more than this share of the error
ROUNDS = 100  # at most so many times the number of features at one lambda


@njit(cache=True)
def lasso_path(columns, y, binomial, lambdas, stop_early, tolerance):  # type: ignore[no-untyped-def]
    """Intercepts (k,), coefficients (k, p) and explained shares (k,) of variance or deviance along falling lambdas.

    columns : float64 (p, n), a row a feature with mean 0 and mean square 1.  y : float64 (n,), with mean 0 and mean
    square 1, or 0 and 1, both present, where `binomial`.  tolerance : of every gradient's distance from optimality.
    k < len(lambdas) where `stop_early` ended the path by glmnet's rules (share above .999, or growing by less than
    1e-5, gaussian 1e-5 of itself, from the fifth lambda on). The last value is False where a lambda did not settle.
    """
    p, n = columns.shape
    room = min(p, 4 * n) + 1  # half way between two faces, each of 2 n at most
    face = Face(np.ones((room, n)), np.zeros(room), np.zeros(room), np.full(room, -1), np.ones((room, room)))
    coefficients, intercepts = np.zeros((len(lambdas), p)), np.zeros(len(lambdas))
    explained = np.zeros(len(lambdas))
    centre = np.mean(y)
    if binomial:
        face.value[0] = np.log(centre / (1 - centre))
    size, stale, well, eligible = 1, True, True, np.zeros(p, dtype=np.bool_)
    weight, current, residual = np.empty(n), np.empty(n), np.empty(n)
    start = np.zeros(p + 1)
    null = _loss(np.full(n, face.value[0]), y, binomial, residual, current)
    gradient = np.dot(columns, residual) / n
    for k in range(len(lambdas)):
        lam, rounds, settled = lambdas[k], 0, False
        _strong_rule(eligible, gradient, 2 * lam - lambdas[max(k - 1, 0)])
        while not settled:
            before, objective = np.inf, np.inf
            while True:
                loss, reached = _reach(face, size, y, binomial, residual, current, lam)
                while reached > objective + 1e-12 * null:
                    size, stale = _halfway(columns, face, size, start), True
                    loss, reached = _reach(face, size, y, binomial, residual, current, lam)
                if stale:
                    weight[:] = current
                    _invert(face, size, weight)
                    before = np.inf
                start = _whole(face, size, p)
                error, size, taken = _minimise(columns, face, size, weight, residual.copy(), eligible, lam, tolerance)
                rounds += taken
                if error <= tolerance or rounds > ROUNDS * p:
                    break
                stale = error > SLOW * before
                before, objective = error, reached
            gradient = np.dot(columns, residual) / n
            settled = not _strong_rule(eligible, gradient, lam + tolerance)
        well = well and error <= tolerance
        intercepts[k], coefficients[k] = face.value[0], _whole(face, size, p)[1:]
        explained[k] = 1.0 - loss / null
        growth = explained[k] - explained[max(k - 1, 0)]
        if stop_early and k >= 4 and (explained[k] > 0.999 or growth < 1e-5 * (1.0 if binomial else explained[k])):
            return intercepts[: k + 1], coefficients[: k + 1], explained[: k + 1], well
    return intercepts, coefficients, explained, well


@njit(cache=True)
def _reach(face, size, y, binomial, residual, weight, lam):  # type: ignore[no-untyped-def]
    """Loss and objective of the face; residuals (n,) and weights (n,) in place."""
    loss = _loss(np.dot(face.value[:size], face.rows[:size]), y, binomial, residual, weight)
    return loss, loss + lam * np.sum(np.abs(face.value[1:size]))


@njit(cache=True)
def _whole(face, size, p):  # type: ignore[no-untyped-def]
    """(p + 1,): the intercept and every coefficient."""
    whole = np.zeros(p + 1)
    for a in range(size):
        whole[face.feature[a] + 1] = face.value[a]
    return whole


@njit(cache=True)
def _halfway(columns, face, size, start):  # type: ignore[no-untyped-def]
    """Go half of the way back to `start`, (p + 1,); the size of the face. Its inverse no longer holds."""
    middle, size = 0.5 * (start + _whole(face, size, len(columns))), 1
    face.value[0] = middle[0]
    for j in range(len(columns)):
        if middle[j + 1] != 0.0:
            face.rows[size], face.feature[size] = columns[j], j
            face.value[size], face.sign[size] = middle[j + 1], np.sign(middle[j + 1])
            size += 1
    return size


@njit(cache=True)
def _loss(eta, y, binomial, residual, weight):  # type: ignore[no-untyped-def]
    """Half the mean square or the mean negative log-likelihood; its residuals (n,) and weights (n,) in place."""
    total = 0.0
    for i in range(len(y)):
        if binomial:
            signed = eta[i] if y[i] == 1.0 else -eta[i]
            small = np.exp(-abs(signed))
            total += np.log1p(small) - min(signed, 0.0)
            probability = (small if eta[i] < 0 else 1.0) / (1.0 + small)
            residual[i], weight[i] = y[i] - probability, max(small / (1.0 + small) ** 2, 1e-9)
        else:
            residual[i], weight[i] = y[i] - eta[i], 1.0
            total += 0.5 * residual[i] * residual[i]
    return total / len(y)


@njit(cache=True)
def _minimise(columns, face, size, weight, residual, eligible, lam, tolerance):  # type: ignore[no-untyped-def]
    """Take the face to the minimum of the weighted quadratic + lam |b|_1 over the eligible coefficients.

    residual : (n,), of the face as it comes; it changes. Each round goes to the minimum on the face, signs kept; a
    coefficient that would cross zero stops there and leaves. At the minimum the worst violator enters.
    Returns the distance from optimality at the start, the size of the face and the number of rounds.
    """
    p, n = columns.shape
    error, rounds = 0.0, 0
    outside = eligible.copy()
    for a in range(1, size):
        outside[face.feature[a]] = False
    while rounds <= ROUNDS * p:
        slope = np.dot(face.rows[:size], residual) / n - lam * face.sign[:size]
        distance = np.max(np.abs(slope))
        if distance > tolerance:
            leaving = _move(face, size, weight, residual, slope)
            if leaving > 0:
                outside[face.feature[leaving]] = True
                size = _leave(face, size, leaving)
        else:
            worst, bound, pull = -1, lam + tolerance, 0.0
            for j in range(p):
                if outside[j]:
                    value = np.dot(columns[j], residual) / n
                    if abs(value) > bound:
                        worst, bound, pull = j, abs(value), value
            if worst < 0 or size > 2 * n:
                return max(error, distance), size, rounds
            distance = bound - lam
            outside[worst] = False
            face.sign[size], face.feature[size] = np.sign(pull), worst
            size = _enter(columns[worst], face, size, weight)
        if rounds == 0:
            error = distance
        rounds += 1
    return error, size, rounds


@njit(cache=True)
def _move(face, size, weight, residual, slope):  # type: ignore[no-untyped-def]
    """Go towards the minimum on the face; the place of the coefficient that reached zero first, or -1."""
    step = np.zeros(size)
    for a in range(size):
        for b in range(size):
            step[b] += slope[a] * face.inverse[a, b]
    share, first = 1.0, -1
    for a in range(1, size):
        after = face.value[a] + step[a]
        if face.sign[a] * after <= 0.0 and -face.value[a] / step[a] < share:
            share, first = -face.value[a] / step[a], a
    change = np.dot(step, face.rows[:size])
    for i in range(len(residual)):
        residual[i] -= weight[i] * share * change[i]
    for a in range(size):
        face.value[a] += share * step[a]
    return first


@njit(cache=True)
def _enter(column, face, size, weight):  # type: ignore[no-untyped-def]
    """Border the inverse by a column, whose coefficient starts at zero; the new size."""
    n = len(column)
    weighted = weight * column / n
    product = np.dot(face.rows[:size], weighted)
    square = np.dot(column, weighted)
    known = np.zeros(size)
    for a in range(size):
        for b in range(size):
            known[b] += product[a] * face.inverse[a, b]
    apart = max(square - np.dot(product, known), DEPENDENT * square)
    for a in range(size):
        for b in range(size):
            face.inverse[a, b] += known[a] / apart * known[b]
        face.inverse[a, size] = face.inverse[size, a] = -known[a] / apart
    face.inverse[size, size] = 1.0 / apart
    face.rows[size], face.value[size] = column, 0.0
    return size + 1


@njit(cache=True)
def _leave(face, size, place):  # type: ignore[no-untyped-def]
    """Cut one place out of the inverse; the last place moves into it. The new size."""
    inverse, last = face.inverse, size - 1
    cut = inverse[place, :size].copy()
    for a in range(size):
        for b in range(size):
            inverse[a, b] -= cut[a] / cut[place] * cut[b]
    for a in range(size):
        inverse[place, a] = inverse[last, a]
    for a in range(size):
        inverse[a, place] = inverse[a, last]
    face.rows[place], face.value[place] = face.rows[last], face.value[last]
    face.sign[place], face.feature[place] = face.sign[last], face.feature[last]
    return last


@njit(cache=True)
def _invert(face, size, weight):  # type: ignore[no-untyped-def]
    """The inverse anew, for these weights."""
    rows = face.rows[:size]
    matrix = np.dot(rows * (weight / len(weight)), rows.T)
    for a in range(size):
        matrix[a, a] *= 1.0 + 1e-9  # a face can be singular where it has as many columns as patients
    found = np.linalg.inv(matrix)
    for a in range(size):
        for b in range(size):
            face.inverse[a, b] = found[a, b]


@njit(cache=True)
def _strong_rule(eligible, gradient, bound):  # type: ignore[no-untyped-def]
    """Admit features whose gradient is above the bound; True where one was new."""
    new = False
    for j in range(len(gradient)):
        if not eligible[j] and abs(gradient[j]) > bound:
            eligible[j], new = True, True
    return new
