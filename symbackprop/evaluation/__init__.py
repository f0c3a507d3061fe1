"""Values and gradients at numbers, and independent checks of them."""
