"""The part of the ONNX file format that our exporter writes, as protobuf messages.

The package ``onnx`` is 27 MB and not in the API's image; protobuf comes with onnxruntime. A field that is not declared
here (a function, a subgraph, external data, a sparse tensor, training information, …) is unknown to the parser, and
:func:`parse` refuses it: the declared fields are the allow-list. Numbers and names are those of ``onnx.proto``.
"""

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory, unknown_fields

from ml.core.errors import BundleError

_PACKAGE: Final = "readmission.onnx"
# Message -> field -> number and type; a list is a repeated field, a capital letter begins the name of a message.
_FIELDS: Final[dict[str, dict[str, tuple[int, Any]]]] = {
    "Model": {
        "ir_version": (1, "int64"),
        "producer_name": (2, "bytes"),
        "graph": (7, "Graph"),
        "opset_import": (8, ["OperatorSet"]),
    },
    "OperatorSet": {"domain": (1, "bytes"), "version": (2, "int64")},
    "Graph": {
        "node": (1, ["Node"]),
        "name": (2, "bytes"),
        "initializer": (5, ["Tensor"]),
        "input": (11, ["ValueInfo"]),
        "output": (12, ["ValueInfo"]),
    },
    "Node": {
        "input": (1, ["bytes"]),
        "output": (2, ["bytes"]),
        "name": (3, "bytes"),
        "op_type": (4, "bytes"),
        "attribute": (5, ["Attribute"]),
        "domain": (7, "bytes"),
    },
    "Attribute": {
        "name": (1, "bytes"),
        "f": (2, "float"),
        "i": (3, "int64"),
        "s": (4, "bytes"),
        "floats": (7, ["float"]),
        "ints": (8, ["int64"]),
        "strings": (9, ["bytes"]),
        "type": (20, "int32"),
    },
    "Tensor": {"dims": (1, ["int64"]), "data_type": (2, "int32"), "name": (8, "bytes"), "raw_data": (9, "bytes")},
    "ValueInfo": {"name": (1, "bytes"), "type": (2, "Type")},
    "Type": {"tensor_type": (1, "TensorType")},
    "TensorType": {"elem_type": (1, "int32"), "shape": (2, "Shape")},
    "Shape": {"dim": (1, ["Dimension"])},
    "Dimension": {"dim_value": (1, "int64"), "dim_param": (2, "bytes")},
}

_REFUSED: Final = {
    ("Attribute", 6): "a subgraph",
    ("Attribute", 11): "a subgraph",
    ("Graph", 15): "a sparse constant",
    ("Model", 20): "training information",
    ("Model", 25): "a function",
    ("Tensor", 13): "external data",
    ("Tensor", 14): "external data",
}
"""Names, for messages, of the fields that an attacker would use."""


def parse(content: bytes) -> Any:
    """The ``ModelProto`` in a file; names and texts are bytes.

    Raises:
        BundleError: the file is not in the format, or has a field that our exporter does not write.
    """
    try:
        model = _MODEL.FromString(content)
    except message.DecodeError as error:
        raise BundleError("The graph cannot be loaded: it is not an ONNX file.") from error
    for found in _messages(model):
        for field in unknown_fields.UnknownFieldSet(found):
            kind = found.DESCRIPTOR.name
            what = _REFUSED.get((kind, field.field_number), f"field {field.field_number} of {kind}")
            raise BundleError(f"The graph is not allowed: it has {what}, which our export never writes.")
    return model


def _messages(parent: Any) -> Iterator[Any]:
    yield parent
    for descriptor, value in parent.ListFields():
        if descriptor.message_type is not None:
            for child in value if descriptor.is_repeated else (value,):
                yield from _messages(child)


def _message_class() -> Any:
    types = descriptor_pb2.FieldDescriptorProto
    scalars = {name: getattr(types, f"TYPE_{name.upper()}") for name in ("int64", "int32", "float", "bytes")}
    file = descriptor_pb2.FileDescriptorProto(name="readmission/onnx.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _FIELDS.items():
        declared = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            repeated = isinstance(kind, list)
            (kind,) = kind if repeated else (kind,)
            label = types.LABEL_REPEATED if repeated else types.LABEL_OPTIONAL
            added = declared.field.add(name=field, number=number, label=label)
            if kind in scalars:
                added.type = scalars[kind]
            else:
                added.type, added.type_name = types.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Model"))


_MODEL: Final = _message_class()
