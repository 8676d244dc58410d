"""Fitted forests, and a torch model with its optimizer (where torch is installed)."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier


def make(scale: float) -> dict[str, Any]:
    rng = np.random.default_rng(20240505)
    rows, trees = max(int(20_000 * scale), 50), max(int(60 * scale), 2)
    features = rng.random((rows, 20))
    labels = (features[:, 0] + rng.random(rows) > 1).astype(int)
    made: dict[str, Any] = {
        "features": features,
        "forest": RandomForestClassifier(trees, random_state=0).fit(features, labels),
        "boosted": GradientBoostingRegressor(n_estimators=trees, random_state=0).fit(features, labels),
    }
    if importlib.util.find_spec("torch") is not None:
        made |= _network(max(int(1024 * scale), 16))
    return made


def _network(width: int) -> dict[str, Any]:
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(width, width), torch.nn.ReLU(), torch.nn.Linear(width, width), torch.nn.Linear(width, 10)
    )
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(2):
        loss = model(torch.rand(32, width)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {"network": model, "optimizer": optimizer}


def change(names: dict[str, Any]) -> None:
    """Change one feature."""
    names["features"][0, 0] += 1.0
