"""What this teaches: training on real data. A 64-32-10 network learns to read the handwritten digits of scikit-learn.

1,797 images of 8 × 8 pixels; a fifth of them is held out and never trained on. Needs scikit-learn; writes `digits.svg`, the
curve of the losses, into the working directory.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import symbackprop as sbp
from symbackprop import figures
from symbackprop.graph.notation import Symbol
from symbackprop.rendering import plots

digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits.data))
x, labels = digits.data[order] / 16, digits.target[order]  # a pixel is 0 to 16
held_out = len(x) // 5

problem = sbp.network([64, 32, 10], activations=["relu", "softmax"], loss="cross_entropy")
history = sbp.train(
    problem,
    x[held_out:],
    labels[held_out:],
    optimizer="adam",
    learning_rate=0.003,
    epochs=30,
    batch_size=32,
    shuffle=True,
    seed=0,
    validation_data=(x[:held_out], labels[:held_out]),
)

predicted = history.predict(x[:held_out]).argmax(axis=1)
accuracy = np.mean(predicted == labels[:held_out])
print(f"accuracy {100 * accuracy:.1f} % on {held_out} digits that were held out; {history.seconds:.1f} s")

losses = list(enumerate(history.losses.tolist()))
validation = list(zip(history.validation_steps.tolist(), history.validation_losses.tolist(), strict=True))
curve = figures.training(Symbol("L"), losses, validation)
Path("digits.svg").write_bytes(plots.image(curve, "svg", "en"))
