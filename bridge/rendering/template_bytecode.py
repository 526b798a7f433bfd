"""Templates compiled in advance: a new worker would spend most of its first post's time on that."""

import contextlib
import marshal
from pathlib import Path

from jinja2 import BytecodeCache, Environment, TemplateError
from jinja2.bccache import Bucket, bc_magic

BYTECODE = Path(__file__).parents[2] / "template_bytecode"


class TemplateBytecode(BytecodeCache):
    """The bytecode in a folder; what another Python made, or of another text, is as good as missing.

    https://jinja.palletsprojects.com/en/stable/api/#bytecode-cache
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_cache_key(self, name: str, filename: str | None = None) -> str:  # noqa: ARG002
        """By the name alone: the package is used in another place than where it was made."""
        return super().get_cache_key(name)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fills the bucket, if its template was compiled."""
        # Read at once: the bucket's own way takes an object at a time from the file, which is several times as slow.
        with contextlib.suppress(FileNotFoundError, EOFError, ValueError, TypeError):
            head, content = _head(bucket), (self._folder / bucket.key).read_bytes()
            if content.startswith(head):
                bucket.code = marshal.loads(content[len(head) :])  # noqa: S302  a file of the package, as its code is

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Nothing: where the templates are used, nobody may write."""


class _Compiling(TemplateBytecode):
    def dump_bytecode(self, bucket: Bucket) -> None:
        (self._folder / bucket.key).write_bytes(_head(bucket) + marshal.dumps(bucket.code))


def _head(bucket: Bucket) -> bytes:
    """What the bytecode is of: this Python's and Jinja's form, and the text of this template."""
    return bc_magic + bucket.checksum.encode()


def compile_all(environment: Environment, folder: Path) -> None:
    """Compiles every template that the environment finds, into the folder. One with a fault is left as it is."""
    folder.mkdir(exist_ok=True)
    environment.bytecode_cache = _Compiling(folder)
    for name in environment.list_templates(extensions=["html"]):
        with contextlib.suppress(TemplateError, UnicodeDecodeError):
            environment.get_template(name)
