"""Files that people write: YAML with positions, units, safe expressions, schemas."""

from raresim.files.document import Document, parse, read
from raresim.files.expressions import Expression, ExpressionError
from raresim.files.schema import Spec, validate

__all__ = ["Document", "Expression", "ExpressionError", "Spec", "parse", "read", "validate"]
