"""How often the answers are right: the labelled corpus, judged by the product's own code."""
