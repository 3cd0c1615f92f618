"""What one write makes of one document: preconditions, masks and transforms, without a database in sight."""

from typing import Any

from local.firestore.errors import already_exists, failed_precondition, invalid, not_found
from local.firestore.limits import check_document
from local.firestore.paths import get_field, parse_field, set_field
from local.firestore.protocol import Document, Value, WriteResult, set_micros, to_micros
from local.firestore.values import encode, number

_INT64 = 2**63
_MAX_TRANSFORMS = 500


def target(write: Any) -> str:
    """The full name of the document that a write is about; raises INVALID_ARGUMENT for a write of no known kind."""
    operation = write.WhichOneof("operation")
    if operation == "update":
        return str(write.update.name)
    if operation == "delete":
        return str(write.delete)
    if operation == "transform":
        return str(write.transform.document)
    raise invalid("A write must update, delete or transform a document.")


def apply(write: Any, old: Any, now: int) -> tuple[Any, Any]:
    """(the document after this write at `now` microseconds, its WriteResult).

    None stands for a document that is not there. A write that changes nothing returns the very `old`, whose update
    time then stays. Raises NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION or INVALID_ARGUMENT.
    """
    name = target(write)
    _check_precondition(write.current_document, name, old, now)
    result = WriteResult()
    if write.WhichOneof("operation") == "delete":
        return None, result
    new = Document(name=name)
    operation = write.WhichOneof("operation")
    if operation == "transform":
        transforms = write.transform.field_transforms
        if old is not None:
            new.fields.MergeFrom(old.fields)
    else:
        transforms = write.update_transforms
        if write.HasField("update_mask"):
            if old is not None:
                new.fields.MergeFrom(old.fields)
            for path in write.update_mask.field_paths:
                parts = parse_field(path)
                set_field(new.fields, parts, get_field(write.update.fields, parts))
        else:
            new.fields.MergeFrom(write.update.fields)
    if len(transforms) > _MAX_TRANSFORMS:
        raise invalid(f"The number of field transforms of a document exceeds {_MAX_TRANSFORMS}.")
    for transform in transforms:
        parts = parse_field(transform.field_path)
        value, answer = _transform(transform, get_field(new.fields, parts), now)
        set_field(new.fields, parts, value)
        result.transform_results.append(answer)
    check_document(new)
    if old is not None and _same_fields(old, new):
        result.update_time.CopyFrom(old.update_time)
        return old, result
    set_micros(new.update_time, now)
    if old is None:
        set_micros(new.create_time, now)
    else:
        new.create_time.CopyFrom(old.create_time)
    result.update_time.CopyFrom(new.update_time)
    return new, result


def _check_precondition(condition: Any, name: str, old: Any, now: int) -> None:
    kind = condition.WhichOneof("condition_type")
    if kind == "exists":
        if condition.exists and old is None:
            raise not_found(f"No document to update: {name}")
        if not condition.exists and old is not None:
            raise already_exists(f"Document already exists: {name}")
    elif kind == "update_time":
        wanted = to_micros(condition.update_time)
        if wanted > now:
            raise invalid("The required base version is in the future.")
        if old is None:
            raise not_found(f"No document to update: {name}")
        stored = to_micros(old.update_time)
        if condition.update_time.nanos % 1000 or wanted != stored:
            raise failed_precondition(
                f"the stored version ({stored}) does not match the required base version ({wanted})"
            )


def _same_fields(old: Any, new: Any) -> bool:
    """Bytes, not `==`: to protobuf 0.0 equals -0.0 and NaN differs from itself."""
    if len(old.fields) != len(new.fields):
        return False
    left, right = Document(fields=old.fields), Document(fields=new.fields)
    return bool(left.SerializeToString(deterministic=True) == right.SerializeToString(deterministic=True))


def _transform(transform: Any, current: Any, now: int) -> tuple[Any, Any]:
    """(the field's new value, what the result says of it)."""
    kind = transform.WhichOneof("transform_type")
    if kind == "set_to_server_value":
        value = Value()
        set_micros(value.timestamp_value, now // 1000 * 1000)
        return value, value
    if kind in ("append_missing_elements", "remove_all_from_array"):
        return _transform_array(kind, getattr(transform, kind).values, current), Value(null_value=0)
    if kind not in ("increment", "maximum", "minimum"):
        raise invalid(f'The transform of the field "{transform.field_path}" is of no known kind.')
    operand = getattr(transform, kind)
    step = number(operand)
    if step is None:
        raise invalid(f"The operand of {kind} must be a number.")
    before = None if current is None else number(current)
    if before is None:
        value = operand
    elif kind == "increment":
        value = _sum(before, step)
    elif before != before or step != step:  # NaN stays: it is what a computation with it gives
        value = Value(double_value=float("nan"))
    elif before == step:
        value = current
    else:
        value = operand if (step > before) == (kind == "maximum") else current
    copy = Value()
    copy.CopyFrom(value)
    return copy, copy


def _sum(left: float, right: float) -> Any:
    """Integers stop at the ends of 64 bits, as Firestore's do; one double makes the sum a double."""
    total = left + right
    if isinstance(total, int):
        return Value(integer_value=max(-_INT64, min(_INT64 - 1, total)))
    return Value(double_value=total)


def _transform_array(kind: str, operands: Any, current: Any) -> Any:
    is_array = current is not None and current.WhichOneof("value_type") == "array_value"
    items = list(current.array_value.values) if is_array else []
    if kind == "append_missing_elements":
        seen = {encode(item) for item in items}
        for operand in operands:
            if (encoded := encode(operand)) not in seen:
                seen.add(encoded)
                items.append(operand)
    else:
        unwanted = {encode(operand) for operand in operands}
        items = [item for item in items if encode(item) not in unwanted]
    value = Value()
    value.array_value.SetInParent()
    value.array_value.values.extend(items)
    return value
