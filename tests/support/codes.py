"""Strategies for diagnosis codes."""

import re
from typing import Final

from hypothesis import strategies as st

from ml.schema import BY_NAME, ICD9_PATTERN, canonical_icd9

ICD9_SPELLINGS: Final = st.from_regex(re.compile(ICD9_PATTERN, re.ASCII), fullmatch=True).filter(
    BY_NAME["diag_1"].accepts
)
"""ICD-9-CM codes in any spelling."""

ICD9_CODES: Final = ICD9_SPELLINGS.map(canonical_icd9)
"""ICD-9-CM codes in the canonical spelling, as models get them."""
