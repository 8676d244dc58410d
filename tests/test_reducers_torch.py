"""Tensors and what they share: storages, views, gradients, arrays of numpy, and devices that are not there."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from .cells import notebook
from .restore import again, save

torch = pytest.importorskip("torch")


def test_views_show_the_storage_that_they_showed() -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    fresh = save({"whole": whole, "turned": whole.T, "part": whole[1:, ::2], "alias": whole}).load()
    assert fresh["alias"] is fresh["whole"]
    fresh["turned"][0, 1], fresh["part"][0, 0] = 70, 80
    fresh["part"][1, 1] = 90
    assert fresh["whole"].tolist() == [[0, 1, 2, 3], [80, 5, 6, 7], [8, 9, 90, 11]]
    assert fresh["turned"].stride() == (1, 4) and fresh["part"].storage_offset() == 4


def test_a_storage_is_stored_once() -> None:
    whole = torch.zeros(100_000)
    saved = save({"whole": whole, "views": [whole[i:] for i in range(20)], "numpy": whole.numpy()})
    assert sum(len(p.data) + sum(map(len, p.blobs)) for p in saved.parts) < 450_000
    fresh = saved.load()
    fresh["numpy"][7] = 5
    assert fresh["whole"][7] == 5 and fresh["views"][7][0] == 5


@pytest.mark.parametrize("first", ["array", "tensor"])
def test_memory_of_numpy_that_torch_uses(first: str) -> None:
    array = np.arange(5.0)
    values: dict[str, Any] = {"array": array, "tensor": torch.from_numpy(array)[1:], "rest": [1]}
    if first == "tensor":
        values = dict(reversed(values.items()))
    fresh = save(values).load()
    fresh["array"][1] = 77
    fresh["tensor"][3] = 99
    assert fresh["tensor"].tolist() == [77, 2, 3, 99] and fresh["array"].tolist() == [0, 77, 2, 3, 99]


def test_gradients_attributes_and_parameters() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    (weight * 2).sum().backward()
    weight.note = [weight]
    fresh = save({"weight": weight, "grad": weight.grad}).load()
    assert type(fresh["weight"]) is torch.nn.Parameter and fresh["weight"].requires_grad
    assert fresh["weight"].grad is fresh["grad"] and fresh["weight"].note[0] is fresh["weight"]
    (fresh["weight"] * 3).sum().backward()
    assert fresh["grad"].tolist() == [5, 5, 5]


def test_a_graph_is_not_kept_and_said_so() -> None:
    with notebook("import torch\ny = torch.ones(2, requires_grad=True)\nx = (y * 2).sum()") as first:
        first.enter()
        report = first.save()
        (noted,) = report.noted
        assert noted.name == "x" and "graph" in noted.problems[0].reason and not report.placeholders
        second = first.fresh()
        assert [v.name for v in second.load().noted] == ["x"]
        second.check("x.item() == 4", "not x.requires_grad", "y.requires_grad")


def test_dtypes_and_layouts() -> None:
    names = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 float8_e4m3fn".split()
    values = {name: torch.ones(3).to(getattr(torch, name)) for name in names}
    values |= {"none": torch.empty(0, 3), "conj": torch.ones(2, dtype=torch.complex64).conj()}
    values |= {"sparse": torch.eye(3).to_sparse(), "meta": torch.empty(2, device="meta")}
    values["storage"] = values["int16"].untyped_storage()
    fresh = save(values).load()
    for name in names:
        assert fresh[name].dtype is values[name].dtype and repr(fresh[name]) == repr(values[name])
    assert fresh["none"].shape == (0, 3) and fresh["conj"].is_conj() and fresh["meta"].device.type == "meta"
    assert fresh["sparse"].to_dense().tolist() == torch.eye(3).tolist()
    assert fresh["storage"].data_ptr() == fresh["int16"].data_ptr()


def test_small_storages_can_be_resized() -> None:
    assert again(torch.ones(3)).resize_(50).shape == (50,)


def test_an_optimizer_goes_on_with_the_parameters_of_its_network() -> None:
    net = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)

    def step(net: Any, optimizer: Any) -> Any:
        optimizer.zero_grad()
        net(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        return net.weight.tolist()

    step(net, optimizer)
    fresh = save({"net": net, "optimizer": optimizer}).load()
    assert step(fresh["net"], fresh["optimizer"]) == step(net, optimizer)


def test_what_was_on_a_device_that_is_not_here_is_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a device")
    from jupyter_session_save.pickling.reducers import tensors

    net = torch.nn.Linear(2, 1)
    view = net.weight.detach()[0]
    with monkeypatch.context() as patched:
        patched.setattr(tensors, "device_of", lambda storage: "cuda:0")
        saved = save({"net": net, "view": view})
    with pytest.warns(UserWarning, match="was on cuda:0 is on the CPU now"):
        fresh = saved.load()
    assert fresh["net"].weight.device.type == "cpu" and fresh["net"].weight.tolist() == net.weight.tolist()
    fresh["view"][0] = 7
    assert fresh["net"].weight[0, 0] == 7
    assert pickle.dumps(fresh["net"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_tensors_on_a_gpu_share_there() -> None:
    whole = torch.arange(4.0, device="cuda")
    saved = save({"whole": whole, "part": whole[1:]})
    fresh = saved.load()
    fresh["part"][0] = 9
    assert fresh["whole"].tolist() == [0, 9, 2, 3] and fresh["whole"].is_cuda
