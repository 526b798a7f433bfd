"""Compiles the templates of the working directory into its folder `template_bytecode`: a step of `make package`.

Run there, so that no bytecode names the folder in which it was made.
"""

from pathlib import Path

from bridge.rendering.renderer import OwnTemplates, environment
from bridge.rendering.template_bytecode import BYTECODE, compile_all

if __name__ == "__main__":
    here = Path()
    compile_all(environment(OwnTemplates(here)), here / BYTECODE.name)
