"""Problems to equations, equations to elements, elements to links of the chain rule."""
