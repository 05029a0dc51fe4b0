"""The middleware stack keeps its order, its names and its rules (PROTOCOL.md 10.2)."""

from __future__ import annotations

import pytest

from sso_magic.client.middleware import HandlerArguments, HandlerResult, after, before
from sso_magic.client.middleware_stack import MiddlewareStack
from sso_magic.errors import ConfigError


@pytest.fixture
def stack():
    return MiddlewareStack()


@pytest.fixture
def trace():
    return []


@pytest.fixture
def noting(trace):
    """A middleware that notes when it is passed, inwards and outwards."""

    def make(name):
        def middleware(next_handler, _context):
            def handler(args):
                trace.append(name)
                result = next_handler(args)
                trace.append(f"/{name}")
                return result

            return handler

        return middleware

    return make


def run(stack, context=None):
    return stack.resolve(lambda _args: HandlerResult(response="response"), context)(HandlerArguments("input"))


def inwards(stack, trace):
    trace.clear()
    run(stack)
    return [name for name in trace if not name.startswith("/")]


def test_steps_run_in_order_and_the_way_out_is_the_way_in_reversed(stack, noting, trace):
    for step in ("deserialize", "finalizeRequest", "build", "serialize", "initialize"):
        stack.add(noting(step), step=step)
    assert inwards(stack, trace) == ["initialize", "serialize", "build", "finalizeRequest", "deserialize"]
    assert trace[5:] == ["/deserialize", "/finalizeRequest", "/build", "/serialize", "/initialize"]


def test_in_a_step_priority_decides_and_then_the_order_of_adding(stack, noting, trace):
    for name, priority in [("a", "low"), ("b", "normal"), ("c", "high"), ("d", "normal"), ("e", "high"), ("f", "low")]:
        stack.add(noting(name), priority=priority)
    assert inwards(stack, trace) == ["c", "e", "b", "d", "a", "f"]


def test_the_last_one_added_beside_another_stands_next_to_it(stack, noting, trace):
    stack.add(noting("T"), name="T")
    for name, relation in [("b1", "before"), ("a1", "after"), ("b2", "before"), ("a2", "after")]:
        stack.add_relative_to(noting(name), relation=relation, to_middleware="T", name=name)
    assert inwards(stack, trace) == ["b1", "b2", "T", "a2", "a1"]


def test_one_may_stand_beside_one_that_stands_beside_another_whichever_was_added_first(stack, noting, trace):
    stack.add_relative_to(noting("c"), relation="after", to_middleware="b", name="c")
    stack.add_relative_to(noting("b"), relation="after", to_middleware="a", name="b")
    stack.add(noting("a"), name="a")
    stack.add_relative_to(noting("x"), relation="before", to_middleware="alias-of-b")
    stack.remove("b")
    stack.add_relative_to(noting("b"), relation="after", to_middleware="a", name="b", aliases=["alias-of-b"])
    assert inwards(stack, trace) == ["a", "x", "b", "c"]


def test_a_place_beside_one_that_is_not_there_fails_when_resolved_and_is_not_identified(stack, noting):
    stack.add_relative_to(noting("x"), relation="before", to_middleware="gone", name="x")
    assert stack.identify() == []
    with pytest.raises(ConfigError, match=r"^Middleware 'gone' is not there: 'x' is to stand before gone\.$"):
        run(stack)


def test_a_name_or_alias_can_be_taken_once(stack, noting):
    stack.add(noting("a"), name="a", aliases=["b"])
    for name in ("a", "b"):
        with pytest.raises(
            ConfigError, match=f"^There is a middleware '{name}' already; use override=True, or another"
        ):
            stack.add(noting("x"), name=name)
        with pytest.raises(ConfigError, match="already"):
            stack.add_relative_to(noting("x"), relation="after", to_middleware="a", name=name)


def test_an_override_takes_the_place_of_the_other_and_is_the_last_added(stack, noting, trace):
    stack.add(noting("a"), name="a")
    stack.add(noting("b"), name="b")
    stack.add(noting("A"), name="a", override=True)
    assert inwards(stack, trace) == ["b", "A"]


@pytest.mark.parametrize("place", [{"step": "build"}, {"priority": "high"}])
def test_an_override_must_be_at_the_same_step_and_priority(stack, noting, place):
    stack.add(noting("a"), name="a")
    with pytest.raises(
        ConfigError, match=r"^Middleware 'a' with normal priority in initialize step cannot be overridden by 'a' with "
    ):
        stack.add(noting("A"), name="a", override=True, **place)


def test_an_override_must_be_at_the_same_relation_and_target(stack, noting):
    stack.add(noting("t"), name="t")
    stack.add_relative_to(noting("a"), relation="before", to_middleware="t", name="a")
    stack.add_relative_to(noting("A"), relation="before", to_middleware="t", name="a", override=True)
    with pytest.raises(ConfigError, match=r"^Middleware 'a' with before t cannot be overridden by 'a' with after t"):
        stack.add_relative_to(noting("A"), relation="after", to_middleware="t", name="a", override=True)
    with pytest.raises(ConfigError, match="cannot be overridden"):
        stack.add(noting("A"), name="a", override=True)


@pytest.mark.parametrize("by", ["name", "alias", "reference"])
def test_one_can_be_removed_by_name_alias_or_itself_and_its_names_are_free_again(stack, noting, by):
    middleware = noting("a")
    stack.add(middleware, name="a", aliases=["b"])
    key = {"name": "a", "alias": "b", "reference": middleware}[by]
    assert stack.remove(key) is True
    assert stack.remove(key) is False
    assert stack.identify() == []
    stack.add(middleware, name="a", aliases=["b"])


def test_a_function_that_was_wrapped_can_be_removed_by_itself(stack):
    def look(_args, _context):
        pass

    stack.add(before(look))
    assert stack.remove(look) is True


def test_all_that_carry_a_tag_are_removed(stack, noting):
    stack.add(noting("a"), name="a", tags=["X"])
    stack.add(noting("b"), name="b", tags=["X", "Y"])
    stack.add_relative_to(noting("c"), relation="after", to_middleware="d", name="c", tags=["X"])
    stack.add(noting("d"), name="d")
    assert stack.remove_by_tag("X") is True
    assert stack.remove_by_tag("X") is False
    assert stack.identify() == ["d - initialize"]


def test_a_clone_goes_its_own_way(stack, noting):
    stack.add(noting("a"), name="a")
    clone = stack.clone()
    clone.add(noting("b"), name="b")
    stack.remove("a")
    assert (stack.identify(), clone.identify()) == ([], ["a - initialize", "b - initialize"])


def test_concat_lays_one_behind_the_other_and_changes_neither(stack, noting, trace):
    other = MiddlewareStack()
    stack.add(noting("a"), name="a")
    other.add(noting("b"), name="b")
    assert inwards(stack.concat(other), trace) == ["a", "b"]
    assert (stack.identify(), other.identify()) == (["a - initialize"], ["b - initialize"])
    with pytest.raises(ConfigError, match="already"):
        stack.concat(stack)


def test_a_stack_is_a_plugin_of_another(stack, noting):
    other = MiddlewareStack()
    other.add(noting("a"), name="a")
    stack.use(other)
    assert stack.identify() == ["a - initialize"]


def test_identify_says_names_aliases_and_steps(stack, noting):
    stack.add(noting("a"), name="a", aliases=["x", "y"], step="build")
    stack.add(noting("anonymous"), step="serialize")
    stack.add_relative_to(noting("b"), relation="after", to_middleware="a", name="b")
    stack.add_relative_to(noting("c"), relation="before", to_middleware="a", name="c", step="build")
    assert stack.identify() == ["anonymous - serialize", "c - build", "a (a.k.a. x,y) - build", "b - after a"]


def test_identify_on_resolve_prints_the_order_until_it_is_switched_off(stack, noting, capsys):
    stack.add(noting("a"), name="a")
    assert stack.identify_on_resolve() is False
    assert stack.identify_on_resolve(toggle=True) is True
    assert stack.clone().identify_on_resolve() is True
    run(stack)
    assert capsys.readouterr().err == "a - initialize\n"
    stack.identify_on_resolve(toggle=False)
    run(stack)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("place", "told"),
    [({"step": "sign"}, "No step 'sign' with priority 'normal'; steps are"), ({"priority": "top"}, "No step")],
)
def test_a_step_or_priority_that_is_none_is_refused(stack, noting, place, told):
    with pytest.raises(ConfigError, match=told):
        stack.add(noting("a"), **place)
    with pytest.raises(ConfigError, match="No relation 'beside'; it is before or after"):
        stack.add_relative_to(noting("a"), relation="beside", to_middleware="a")


def test_before_and_after_make_middlewares_of_functions(stack):
    seen = []
    stack.add(before(lambda args, context: seen.append((args.input, context))))
    stack.add(after(lambda result, context: seen.append((result.response, context))))
    run(stack, context="context")
    assert seen == [("input", "context"), ("response", "context")]


def test_what_is_added_after_a_resolve_counts_at_the_next(stack, noting, trace):
    stack.add(noting("a"), name="a")
    assert inwards(stack, trace) == ["a"]
    stack.add(noting("b"), name="b")
    assert inwards(stack, trace) == ["a", "b"]
    stack.remove("a")
    assert inwards(stack, trace) == ["b"]
