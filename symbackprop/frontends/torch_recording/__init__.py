"""Problems from modules of PyTorch's: a module runs once on tensors that record what is done with them."""

from symbackprop.frontends.torch_recording.recorded_modules import recorded_problem

__all__ = ["recorded_problem"]
