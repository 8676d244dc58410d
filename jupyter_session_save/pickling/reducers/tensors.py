"""torch: tensors share the storages that they shared, also with arrays of numpy.

Invariant: a storage is stored once, and what it was on a device that is not there at load is on the CPU, with a
warning.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .. import rebuild
from .arrays import OWNED

if TYPE_CHECKING:
    from ..pickler import Pickling

_torch: Any = torch
"""The same without its types, which it has for some of its functions only."""

_OWN_WAYS = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__torch_dispatch__", "__deepcopy__")


def tensor(obj: Any, pickling: Pickling) -> Any:
    """Reduce a tensor to its place in a storage, and its gradient."""
    cls = type(obj)
    pickling.modules.add("torch")
    plain = cls in (torch.Tensor, torch.nn.Parameter) or not _has_own_way(cls)
    if not plain or obj.layout is not torch.strided or obj.is_quantized or obj.device.type == "meta" or obj.is_nested:
        return NotImplemented
    detached = obj.detach().as_subclass(torch.Tensor)
    if not obj.is_leaf:
        pickling.note_remark(obj, "its values are kept, but not the graph that leads back to what it was computed from")
    place = (obj.dtype, tuple(detached.size()), detached.stride(), detached.storage_offset())
    flags = (obj.requires_grad and obj.is_leaf, obj.is_conj(), obj.is_neg())
    state = dict(vars(obj)), obj.grad if obj.is_leaf else None, obj._backward_hooks if obj.is_leaf else None
    rest = (state, None, None, tensor_state) if any(part is not None and part != {} for part in state) else ()
    return make_tensor, (cls, detached.untyped_storage(), *place, *flags), *rest


def _has_own_way(cls: Any) -> bool:
    own = cls.__mro__[: cls.__mro__.index(torch.Tensor)]
    return any(name in vars(c) for c in own for name in _OWN_WAYS)


def storage(obj: Any, pickling: Pickling) -> Any:
    """Reduce a storage to its bytes, or to the array of numpy whose memory it is."""
    pickling.modules.add("torch")
    if obj.device.type == "meta":
        return NotImplemented
    memory: Any = _bytes_in(obj.cpu())
    whose = pickling.scope.array_at(memory) if obj.device.type == "cpu" else None
    if whose is not None:
        return storage_of_array, (whose, obj.nbytes())
    pickling.scope.storages.setdefault(obj.data_ptr(), obj)
    return make_storage, (pickling.out_of_band(memory), device_of(obj))


def typed_storage(obj: Any, pickling: Pickling) -> Any:
    """Reduce a storage with a type to the one without."""
    return make_typed_storage, (obj._untyped_storage, obj.dtype)


def script(obj: Any, pickling: Pickling) -> Any:
    """Reduce compiled code to what torch writes of it."""
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(obj, target)
    return load_script, (target.getvalue(),)


def _bytes_in(storage_: Any) -> Any:
    return torch.empty(0, dtype=torch.uint8).set_(storage_).numpy()


def device_of(storage_: Any) -> str:
    """Return where a storage is."""
    return str(storage_.device)


def make_storage(buffer: Any, device: str) -> Any:
    """Make a storage where it was, or on the CPU if that is not here."""
    if not memoryview(buffer).nbytes:
        made = _torch.UntypedStorage(0)
    else:
        flat = torch.frombuffer(buffer, dtype=torch.uint8)
        made = (flat.clone() if flat.numel() < OWNED else flat).untyped_storage()
    if device == "cpu":
        return made
    try:
        return torch.empty(0, dtype=torch.uint8).set_(made).to(device).untyped_storage()
    except Exception:
        warnings.warn(f"what was on {device} is on the CPU now: there is no {device} here", stacklevel=2)
        return made


def storage_of_array(whose: Any, size: int) -> Any:
    """Make a storage on the memory of an array of numpy."""
    plain = np.asarray(whose)
    flat = (plain if plain.flags.c_contiguous else plain.T).reshape(-1).view(np.uint8)
    return torch.from_numpy(flat[:size]).untyped_storage()


def array_on_storage(storage_: Any, dtype: Any, shape: Any, offset: int, strides: Any, writeable: bool) -> Any:
    """Make an array of numpy on the memory of a storage."""
    made: Any = np.ndarray(shape, dtype, _bytes_in(storage_), offset, strides)
    made.flags.writeable = writeable
    return made


def make_typed_storage(untyped: Any, dtype: Any) -> Any:
    """Give a storage a type."""
    return _torch.storage.TypedStorage(wrap_storage=untyped, dtype=dtype, _internal=True)


def optimizer(obj: Any, pickling: Pickling) -> Any:
    """Reduce an optimizer with its hooks and what a scheduler has put on it; its own protocol leaves these out."""
    kind: Any = type(obj)
    if kind.__getstate__ is not _torch.optim.Optimizer.__getstate__ or "__reduce__" in vars(kind):
        return NotImplemented
    return rebuild.instance, (kind,), dict(vars(obj))


def lightning_module(obj: Any, pickling: Pickling) -> Any:
    """Reduce a module of Lightning with the trainer that it is attached to; its own protocol leaves that out."""
    kind: Any = type(obj)
    if "__getstate__" in vars(kind) or "__reduce__" in vars(kind):
        return NotImplemented
    return rebuild.instance, (kind,), dict(vars(obj))


def parametrized(obj: Any, pickling: Pickling) -> Any:
    """Reduce a module some of whose tensors are computed from others, as with `weight_norm`."""
    kind: Any = type(obj)
    if "__getstate__" not in vars(kind):
        return pickling.by_reduce(obj)
    own = dict(vars(obj))
    return make_parametrized, (kind.__mro__[1], tuple(own["_modules"]["parametrizations"])), own


def make_parametrized(base: Any, names: tuple[str, ...]) -> Any:
    """Make a module whose class computes some tensors; what from comes with its state."""
    from torch.nn.utils import parametrize

    made = base.__new__(base)
    parametrize._inject_new_class(made)
    for name in names:
        parametrize._inject_property(made, name)
    return made


def make_tensor(
    cls: Any, storage_: Any, dtype: Any, size: Any, stride: Any, offset: int, wants: bool, conj: bool, neg: bool
) -> Any:
    """Make a tensor on a storage."""
    made = torch.empty(0, dtype=dtype, device=storage_.device).set_(storage_, offset, size, stride)
    if conj:
        torch._C._set_conj(made, True)
    if neg:
        torch._C._set_neg(made, True)
    if cls is not torch.Tensor:
        return torch.Tensor._make_subclass(cls, made, wants)
    return made.requires_grad_() if wants else made


@rebuild.setter
def tensor_state(made: Any, state: tuple[dict[str, Any], Any, Any]) -> None:
    """Give a tensor its attributes, its gradient and its hooks."""
    attributes, gradient, hooks = state
    vars(made).update(attributes)
    if gradient is not None:
        made.grad = gradient
    if hooks is not None:
        made._backward_hooks = hooks


def load_script(data: bytes) -> Any:
    """Load compiled code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _torch.jit.load(io.BytesIO(data))
