"""Measures runs of train.py on the development sets: python measure.py config.toml NAME .."""

import pathlib
import sys

import torch

import dev
import train as training


def maps_of(model):
    def maps(taps):
        with torch.no_grad():
            values, attention = model({k: torch.from_numpy(v) for k, v in taps.items()})
        return values[0].numpy(), attention[0, 0].numpy(), None

    return maps


def main():
    torch.set_num_threads(1)
    sets = dev.open_dev()
    for name in sys.argv[2:]:
        model = training.load(pathlib.Path(sys.argv[1]), name)
        for kind in ("length", "score"):
            model.head.attention_kind = kind
            sets.measure(f"{name} attention {kind}", maps_of(model), model.offset, verbose=kind == "score")


if __name__ == "__main__":
    main()
