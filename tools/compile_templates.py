"""Compile the templates of the working directory into its folder `template_bytecode`: a step of `make package`.

The working directory must be the package, as bytecode would otherwise contain the path of another folder.
"""

from pathlib import Path

from bridge.rendering.environment import OwnTemplates, environment
from bridge.rendering.template_bytecode import BYTECODE, compile_all

if __name__ == "__main__":
    here = Path()
    compile_all(environment(OwnTemplates(here)), here / BYTECODE.name)
