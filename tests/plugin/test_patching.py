"""Replacements are made once, all or none, and by the newest code."""

import functools
import importlib
import inspect
import pickle
import sys
from types import SimpleNamespace

import pytest

from recbole_pngnn.plugin import patching


def louder(function):
    @functools.wraps(function)
    def loud(*args):
        return function(*args) + "!"

    return loud


def longer(function):
    @functools.wraps(function)
    def long(*args):
        return function(*args) + "..."

    return long


def owner():
    return SimpleNamespace(say=lambda: "hello", other=lambda: "bye")


def test_a_second_time_changes_nothing():
    thing = owner()
    stock = thing.say
    for _ in range(3):
        patching.wrap(thing, "say", louder)
        patching.wrap(thing, "say", longer)
    assert thing.say() == "hello!..."
    assert patching.original(thing.say) is stock


def test_a_function_of_newer_code_takes_the_place_of_the_older():
    thing = owner()
    patching.wrap(thing, "say", louder)
    patching.wrap(thing, "say", longer)
    newer = {"functools": functools, "__name__": louder.__module__}
    exec("def louder(function):\n    return lambda: function() + '?'", newer)
    patching.wrap(thing, "say", newer["louder"])
    assert thing.say() == "hello?..."


def test_somebody_elses_wrapper_around_ours_stays():
    thing = owner()
    patching.wrap(thing, "say", louder)
    thing.say = theirs = longer(thing.say)
    patching.wrap(thing, "say", louder)
    assert thing.say is theirs


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_all_or_nothing(error):
    thing = owner()
    before = dict(vars(thing))

    class Base:
        def __init__(self, value):
            self.value = value

    special = type("Special", (Base,), {})
    with pytest.raises(error), patching.all_or_nothing():
        patching.wrap(thing, "say", louder)
        patching.put(thing, "new", 1)
        patching.put(thing, "other", 2)
        patching.specialise(Base, special, lambda value: True)
        assert type(Base(1)) is special
        raise error
    assert vars(thing) == before
    assert type(Base(1)) is Base


class Plain:
    def __init__(self, value):
        self.value = value


class Special(Plain):
    pass


def test_a_class_makes_its_special_instances_and_stays_itself():
    patching.specialise(Plain, Special, lambda value: value > 1)
    assert [type(Plain(value)) for value in (1, 2)] == [Plain, Special]
    assert type(pickle.loads(pickle.dumps(Plain(1)))) is Plain
    assert type(pickle.loads(pickle.dumps(Plain(2)))) is Special
    assert type("Other", (Plain,), {})(2).__class__.__name__ == "Other"


class Extended(Plain):
    def __init__(self, value, more=1):
        super().__init__(value)

    def __call__(self, what):
        return what


def test_a_class_that_makes_special_instances_shows_its_own_signature():
    patching.specialise(Plain, Special, lambda value: value > 1)
    for made, shown in ((Plain, "(value)"), (Extended, "(value, more=1)"), (Special, "(value)")):
        assert str(inspect.signature(made)) == shown
    assert str(inspect.signature(Extended(1))) == "(what)"


def test_a_module_proxy_shows_the_real_module():
    real = importlib.import_module("types")
    proxy = patching.ModuleProxy(real)
    assert proxy.ModuleType is real.ModuleType
    assert sys.modules["types"] is real
    with pytest.raises(AttributeError):
        _ = proxy.nothing
