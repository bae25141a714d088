"""The only home of SQL connections: open, transaction, migrations, blobs."""

from core.store.blobs import Blobs
from core.store.connection import Reads, Row, Store, Tx

__all__ = ["Blobs", "Reads", "Row", "Store", "Tx"]
