"""English words that no Spanish text has."""

import re

ENGLISH = re.compile(
    r"\b(the|of|and|with|is|are|was|were|for|from|this|that|which|has|have|not|than|when|where|yet|been|by|its|your"
    r"|known|unknown|served|shown|below|above|between|within|patient|patients|stay|stays|fields|field|rows|row|risk"
    r"|prediction|predictions|upload|choose|home|monitoring|drift of|yes|none|other|female|male|days|years)\b",
    re.IGNORECASE,
)


def english_in(text: str) -> list[str]:
    """English words with what is around them, the first twenty."""
    return [text[max(0, found.start() - 60) : found.end() + 40] for found in ENGLISH.finditer(text)][:20]
