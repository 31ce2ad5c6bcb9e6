"""Makes the shipped model from public weights and photos: training, gradients, export.

    python make.py config.toml --output ../models

Every part resumes where it was stopped.
"""

import argparse
import pathlib
import tomllib

import torch

import export
import gradient
import train


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = tomllib.loads(arguments.config.read_text())
    variant = config["export"]["learned"]
    train.run(config)
    if variant != "none":
        for stage in gradient.stages(config, variant):
            gradient.run(config, stage)
    export.run(config, arguments.output, variant)


if __name__ == "__main__":
    main()
