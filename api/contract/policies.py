"""The body of PUT /policy: its parser, with errors that name the field."""

from pydantic import TypeAdapter, ValidationError

from api.contract.field_errors import FieldError, invalid_records, json_value
from api.contract.parsing import check_repeated_keys, decode_json
from ml.core.policies.policy import PolicyChange

POLICY_CHANGE = "PolicyChange"
CHANGE_ADAPTER = TypeAdapter(PolicyChange)


def parse_policy_change(body: bytes) -> PolicyChange:
    """The change of a body.

    Raises:
        MalformedBodyError: the body is not JSON.
        InvalidRecordsError: it is not a valid change.
    """
    document = decode_json(body)
    check_repeated_keys(body, document)
    try:
        return CHANGE_ADAPTER.validate_python(document)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
    errors = []
    for one in details:
        field = ".".join(map(str, one["loc"])) or None
        message = one["msg"][0].lower() + one["msg"][1:]
        errors.append(FieldError(None, field, json_value(one["input"]), f"{field}: {message}" if field else message))
    raise invalid_records(errors, len(errors))
