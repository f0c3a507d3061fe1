"""Recurrences, step by step: Elman's, LSTM and GRU, as cells and as whole sequences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symbackprop.frontends.torch_recording.recorded_tensors import lifted, recorded_call, suggest, unrecorded
from symbackprop.frontends.torch_recording.tensor_products import linear


def _elman(module: Any, z: Any, parts: Any, state: Any) -> Any:
    function = (
        "relu" if getattr(module, "nonlinearity", "tanh") == "relu" or module_mode(module) == "RNN_RELU" else "tanh"
    )
    return (suggest("h", recorded_call(function, z[0] if parts is None else z[0] + parts[0])),)


def module_mode(module: Any) -> str:
    """Return what kind of recurrence a module is."""
    return str(getattr(module, "mode", ""))


def _long_short(module: Any, z: Any, parts: Any, state: Any) -> Any:
    gates = z if parts is None else [one + other for one, other in zip(z, parts, strict=True)]
    i, f, o = (
        suggest(letter, recorded_call("sigmoid", gates[place])) for letter, place in (("i", 0), ("f", 1), ("o", 3))
    )
    g = suggest("g", recorded_call("tanh", gates[2]))
    c = suggest("c", i * g if state is None else f * state[1] + i * g)
    return suggest("h", o * recorded_call("tanh", c)), c


def _gated(module: Any, z: Any, parts: Any, state: Any) -> Any:
    assert parts is not None
    r, u = (suggest(letter, recorded_call("sigmoid", z[place] + parts[place])) for place, letter in enumerate("rz"))
    n = suggest("n", recorded_call("tanh", z[2] + r * parts[2]))
    return (suggest("h", (1 - u) * n if state is None else (1 - u) * n + u * state[0]),)


RECURRENCES: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "RNN": (1, _elman), "LSTM": (4, _long_short), "GRU": (3, _gated),
}  # fmt: skip
"""How many gates, and what one step makes of them."""


def _step(module: Any, kind: str, x: Any, state: Any, own: Sequence[Any]) -> Any:
    """Return the states after one step: the gates of the input and of the state, then what the recurrence makes of them."""
    gates, function = RECURRENCES[kind]
    weight, recurrent, bias, other = own

    def in_gates(found: Any) -> Any:
        return [found] if gates == 1 else recorded_call("chunk", found, gates, -1)

    z = in_gates(linear(x, weight, bias))
    if state is not None:
        return function(module, z, in_gates(linear(state[0], recurrent, other)), state)
    parts = None if other is None else in_gates(lifted(other))
    if parts is None and kind == "GRU":
        parts = [0.0] * gates
    return function(module, z, parts, None)


def recurrent_cell(kind: str) -> Callable[..., Any]:
    """Return what records one step of a recurrence."""

    def record(module: Any, x: Any, state: Any = None) -> Any:
        given = None if state is None else state if isinstance(state, tuple) else (state,)
        own = (module.weight_ih, module.weight_hh, module.bias_ih, module.bias_hh)
        found = _step(module, kind, lifted(x), given, own)
        return found if kind == "LSTM" else found[0]

    return record


def recurrent(kind: str) -> Callable[..., Any]:
    """Return what records a whole recurrence: layer by layer, forwards and backwards, place by place."""

    def record(module: Any, x: Any, state: Any = None) -> Any:
        if module.dropout and module.training:
            unrecorded(kind, "dropout")
        if getattr(module, "proj_size", 0):
            unrecorded(f"{kind} with proj_size")
        found: Any = lifted(x)
        is_single = found.ndim == 2
        if not is_single and module.batch_first:
            found = recorded_call("transpose", found, 0, 1)
        ends = []
        for layer in range(module.num_layers):
            directions = []
            for direction in range(1 + module.bidirectional):
                suffix = f"_l{layer}" + "_reverse" * direction
                names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
                own = [getattr(module, name + suffix, None) for name in names]
                first = _first_state(state, layer * (1 + module.bidirectional) + direction)
                outputs, end = _run(module, kind, found, first, own, bool(direction))
                directions.append(outputs)
                ends.append(end)
            found = directions[0] if len(directions) == 1 else recorded_call("cat", directions, -1)
        if not is_single and module.batch_first:
            found = recorded_call("transpose", found, 0, 1)
        last = tuple(recorded_call("stack", [end[place] for end in ends]) for place in range(len(ends[0])))
        return found, last if kind == "LSTM" else last[0]

    return record


def _first_state(state: Any, place: int) -> Any:
    if state is None:
        return None
    return tuple(each[place] for each in (state if isinstance(state, tuple) else (state,)))


def _run(module: Any, kind: str, x: Any, state: Any, own: Any, is_reversed: bool) -> tuple[Any, Any]:
    outputs = []
    for place in range(len(x))[:: -1 if is_reversed else 1]:
        state = _step(module, kind, x[place], state, own)
        outputs.append(state[0])
    return recorded_call("stack", outputs[:: -1 if is_reversed else 1]), state
