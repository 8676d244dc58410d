"""Who takes part."""

from __future__ import annotations

from .contenders import Contender, CPickle, Dill, Session
from .peers import PEERS

CONTENDERS: dict[str, Contender] = {one.name: one for one in (Session(), CPickle(), Dill(), *PEERS)}
