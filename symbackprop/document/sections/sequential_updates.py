"""A sequential update on paper: layer after layer, with what stands in place of a gradient under a name of its own.

The backward pass shows the gradients of the loss. Behind weights that are updated already, a layer is updated with something
else: the formula of its gradient with the new weights in it, which is the derivative of nothing. Its lines say so: the new
weights carry their plus, δ and ∂L/∂w become δ̃ and g̃, and no derivative stands in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from symbackprop.algebra.formula import Adjoint, Name, Negative, Node, rewrite, walk
from symbackprop.descent.update import Change
from symbackprop.document.blocks import Block, Chain, ChainStep, Display, Inline, Paragraph, Section, Table
from symbackprop.document.chain_rule.chains import is_negative_delta
from symbackprop.document.chain_rule.factors import unbraced
from symbackprop.document.chain_rule.scene import Scene, layer_name
from symbackprop.document.display_nodes import Delta, Gradient, Local, Substitute, Updated
from symbackprop.document.matrix_form import matrix
from symbackprop.document.sections.updates import update_blocks
from symbackprop.graph.quantities import LayerArrays
from symbackprop.messages import message


def sections(scene: Scene, change: Change) -> Iterator[Section]:
    """Yield the update of each layer from the last to the first: what it is updated with, then its new parameters."""
    view = _View(scene)
    for layer in reversed(scene.derivation.graph.layers):
        view = view.before(layer.number, change)
        blocks = (*view.passed(layer, change), *view.honest(update_blocks(view.scene, change, layer.parameters)))
        if blocks:
            yield Section(layer_name(scene, layer.number), blocks)
        view = view.after(layer, change)


@dataclass(frozen=True, slots=True)
class _View:
    """What the update of a layer sees.

    The numbers of the `scene` are those that it is updated from; `updated` are the arrays that have new values already,
    `replaced` the layers whose gradients others stand in for.
    """

    scene: Scene
    updated: tuple[str, ...] = ()
    replaced: frozenset[int] = frozenset()

    def before(self, layer: int, change: Change) -> _View:
        """Return the view of a layer, whose gradients are replaced where a weight behind it is new."""
        if layer not in change.passes:
            return self
        scene = replace(self.scene, values=change.passes[layer])
        return replace(self, scene=scene, replaced=self.replaced | {layer})

    def after(self, layer: LayerArrays, change: Change) -> _View:
        """Return the view once a layer is updated; what has changed is no longer as given."""
        new = {element for quantity in layer.parameters for element in quantity.elements() if element in change.lines}
        given = {scalar: number for scalar, number in self.scene.given.items() if scalar.name not in new}
        arrays = tuple(quantity.name for quantity in layer.parameters if not new.isdisjoint(quantity.elements()))
        return replace(self, scene=replace(self.scene, given=given), updated=(*arrays, *self.updated))

    def passed(self, layer: LayerArrays, change: Change) -> Iterator[Block]:
        """Yield what a layer is updated with, entry by entry and between arrays; nothing where it is the gradient."""
        if layer.number not in self.replaced:
            return
        weights = tuple(
            Updated(name) for name in self.updated if self.scene.derivation.graph.quantities[name].kind == "weight"
        )
        kind = "sequential.layer" if len(weights) == 1 else "sequential.layers"
        yield Paragraph(message(kind, weights=message("text.items", items=weights)))
        yield from self.honest(matrix.layer_gradients(self.scene, layer, change.lines))

    def honest(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Yield blocks in the symbols of what their numbers are."""
        for block in blocks:
            match block:
                case Display(chains):
                    yield replace(block, chains=tuple(map(self._chain, chains)))
                case Table(_, rows):
                    yield replace(block, rows=tuple(tuple(map(self._inline, row)) for row in rows))
                case _:
                    yield block

    def _inline(self, cell: Inline) -> Inline:
        return self._symbols(cell) if isinstance(cell, Node) else cell

    def _chain(self, chain: Chain) -> Chain:
        """Return a chain without its steps through derivatives, which hold for the gradient alone."""
        left = self._symbols(chain.left)
        steps: list[ChainStep] = []
        for step in chain.steps:
            formula = self._symbols(unbraced(step.formula))
            is_said = formula == (steps[-1].formula if steps else left)
            if not is_said and not any(isinstance(part, Local) for part in walk(formula)):
                steps.append(replace(step, formula=formula))
        return replace(chain, left=left, steps=tuple(steps))

    def _symbols(self, formula: Node) -> Node:
        """Return a formula with the new symbols of parameters that are new, and of gradients that others stand in for."""
        quantity = self.scene.notation.quantity

        def stands_in(part: Node) -> Node | None:
            """Return what stands in for a gradient: δ̃ for δ, and −δ̃ where δ is the negative of the gradient."""
            if not isinstance(part, Adjoint | Gradient | Delta) or quantity(part.name).layer not in self.replaced:
                return None
            found = Substitute(part.name, part.sample)
            is_opposite = not isinstance(part, Delta) and is_negative_delta(self.scene, part.name)
            return Negative(found) if is_opposite else found

        def change(part: Node) -> Node | None:
            match part:
                case Name(name) if quantity(name).name in self.updated:
                    return Updated(name)
                case Negative(operand) if isinstance(found := stands_in(operand), Negative):
                    return found.operand
            return stands_in(part)

        return rewrite(formula, change)
