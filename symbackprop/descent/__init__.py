"""Steps of a descent on paper: which samples, which learning rate, what they lead to."""
