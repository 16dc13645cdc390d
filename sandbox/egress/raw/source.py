"""Returns what a view's cells are held against: the sealed store of its snapshot, or its own rows."""

from sandbox.data.sealed import Store, store_of
from sandbox.egress.terms import GateView


def source(view: GateView) -> Store:
    """Return the store of the columns that the view shows as they are: its snapshot's, where there is one.

    It has rows, too, that the view's condition leaves out. That makes no cell look rarer than it is among all, so that a
    view of few rows is guarded as well as its whole asset.
    """
    shown = [column for column in view.columns() if column.name not in view.terms.pseudonyms]
    if view.store is None:
        return store_of(view.gate, shown)
    return view.store.of([column.name for column in shown])
