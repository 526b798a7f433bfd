"""The sandbox in which templates and expressions run: Jinja's, which asks the same question only once.

What it allows and what it refuses is decided by Jinja. Half of the time of a post went into deciding it again.
"""

from types import BuiltinMethodType, MethodType
from typing import Any

from jinja2 import Template, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import TemplateModule
from jinja2.runtime import BlockReference, Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from bridge.rendering import selections

_MOST = 5000  # answers that are remembered: a missing value has every attribute
_METHODS = frozenset({MethodType, BuiltinMethodType})
_OF_DICTS = frozenset(dir(dict))
_NOTHING: Any = object()


class _Generator(CodeGenerator):
    """Writes `environment.written(x)` where Jinja writes `escape(environment.finalize(x))`."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if _is_escaped(frame):
            self.write("environment.written(")
        else:
            super()._output_child_pre(node, frame, finalize)

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if _is_escaped(frame):
            self.write(")")
        else:
            super()._output_child_post(node, frame, finalize)


def _is_escaped(frame: Frame) -> bool:
    return frame.eval_ctx.autoescape is True and not frame.eval_ctx.volatile


class _Template(Template):
    """A template whose macros are looked up without comparing the names of globals: all templates have the same."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        return self._module if self._module is not None else super()._get_default_module(ctx)


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which each step of a template takes a part of the time."""

    code_generator_class = _Generator
    template_class = _Template

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._safe: dict[tuple[type, str], bool] = {}
        self.filters.update(selections.FILTERS)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether the attribute may be read. Jinja decides it by the type of what has it, and by its name."""
        pair = type(obj), attr
        answer = self._safe.get(pair)
        if answer is None:
            answer = super().is_safe_attribute(obj, attr, value)
            if len(self._safe) < _MOST:
                self._safe[pair] = answer
        return answer

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The value of `obj.attribute`: of a JSON object that of its key, unless each dictionary has the attribute."""
        kind = type(obj)
        if kind is dict and attribute not in _OF_DICTS:
            value = obj.get(attribute, _NOTHING)
            return self.undefined(obj=obj, name=attribute) if value is _NOTHING else value
        if self._safe.get((kind, attribute)):
            value = getattr(obj, attribute, _NOTHING)
            # Methods stay with Jinja: it replaces `format`.
            if value is not _NOTHING and type(value) not in _METHODS:
                return value
        return super().getattr(obj, attribute)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063  as in Jinja
        """Calls what a template calls. Macros and blocks are Jinja's own, and are safe."""
        if type(__obj) is Macro:
            kwargs.pop("_loop_vars", None)
            kwargs.pop("_block_vars", None)
            return __obj(__context.eval_ctx, *args, **kwargs)
        if type(__obj) is BlockReference:
            return __obj()
        return super().call(__context, __obj, *args, **kwargs)

    def written(self, value: Any) -> str:
        """What a template writes for a value where it escapes: markup as it is, all else as `finalize` has it."""
        if type(value) is Markup:
            return value
        return escape(self.finalize(value) if self.finalize else value)
