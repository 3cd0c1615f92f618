"""Nearest neighbours by comparing with every candidate: exact, and fast enough for what fits on a laptop."""

import math
from typing import Any

from local.firestore.errors import invalid
from local.firestore.paths import get_field, parse_field, set_field
from local.firestore.protocol import Distance, Value
from local.firestore.values import is_vector, vector

_MAX_LIMIT = 1000


def nearest(wanted: Any, documents: list[Any]) -> list[Any]:
    """Those of the documents (ordered by name) that a FindNearest asks for, nearest first.

    The distance is put into the documents where a result field is named. Raises INVALID_ARGUMENT.
    """
    if not 0 < wanted.limit.value <= _MAX_LIMIT:
        raise invalid(f"FindNearest.limit must be between 1 and {_MAX_LIMIT}.")
    if not is_vector(wanted.query_vector):
        raise invalid("FindNearest.query_vector must be a vector.")
    measure = wanted.distance_measure
    if measure not in (Distance.EUCLIDEAN, Distance.COSINE, Distance.DOT_PRODUCT):
        raise invalid("FindNearest.distance_measure is not set.")
    target = vector(wanted.query_vector)
    parts = parse_field(wanted.vector_field.field_path)
    larger_is_nearer = measure == Distance.DOT_PRODUCT
    ranked: list[tuple[float, int, float, Any]] = []
    for document in documents:
        value = get_field(document.fields, parts)
        if value is None or not is_vector(value):
            continue
        candidate = vector(value)
        if len(candidate) != len(target):
            continue
        distance = _distance(measure, candidate, target)
        if wanted.HasField("distance_threshold"):
            threshold = wanted.distance_threshold.value
            if distance < threshold if larger_is_nearer else distance > threshold:
                continue
        ranked.append((-distance if larger_is_nearer else distance, len(ranked), distance, document))
    ranked.sort(key=lambda entry: entry[:2])
    best = ranked[: wanted.limit.value]
    if wanted.distance_result_field:
        result_field = parse_field(wanted.distance_result_field)
        for *_, distance, document in best:
            set_field(document.fields, result_field, Value(double_value=distance))
    return [document for *_, document in best]


def _distance(measure: int, left: list[float], right: list[float]) -> float:
    if measure == Distance.EUCLIDEAN:
        return math.dist(left, right)
    product = sum(a * b for a, b in zip(left, right, strict=True))
    if measure == Distance.DOT_PRODUCT:
        return product
    return 1 - product / ((math.hypot(*left) * math.hypot(*right)) or 1)
