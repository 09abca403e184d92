"""The model bundle: the files of one model version, the checks that they have to pass, and the code that serves them.

A bundle is a directory with three files, none of them executable:

``model.onnx``     graph with the inputs ``texts`` and ``numbers`` and the output ``probability``
``golden.json``    golden requests: records with the predictions of the fitted model
``manifest.json``  checksums of both, provenance, metrics, risk distribution

Nothing in it is trusted. :func:`load_bundle` checks the content of all three without running the graph for longer than
the golden requests take; :func:`ml.core.bundle.trial.try_bundle` walks the whole way to an answer. Both run in the
process of :mod:`ml.core.sandbox` before any other process loads a version. The gate and the API use the same code, so
the approved model is the served model.
"""

from ml.core.bundle.files import GOLDEN_FILE as GOLDEN_FILE
from ml.core.bundle.files import MANIFEST_FILE as MANIFEST_FILE
from ml.core.bundle.files import MODEL_FILE as MODEL_FILE
from ml.core.bundle.files import SIZE_LIMITS as SIZE_LIMITS
from ml.core.bundle.files import digest_of as digest_of
from ml.core.bundle.files import sha256_of as sha256_of
from ml.core.bundle.golden import TOLERANCE as TOLERANCE
from ml.core.bundle.golden import replay as replay
from ml.core.bundle.inputs import NUMBERS as NUMBERS
from ml.core.bundle.inputs import OUTPUT as OUTPUT
from ml.core.bundle.inputs import TEXTS as TEXTS
from ml.core.bundle.inputs import encode as encode
from ml.core.bundle.inputs import encode_columns as encode_columns
from ml.core.bundle.manifest import Manifest as Manifest
from ml.core.bundle.model import CHUNK as CHUNK
from ml.core.bundle.model import Bundle as Bundle
from ml.core.bundle.model import load_bundle as load_bundle
