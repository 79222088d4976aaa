"""1 GB of random weights by torch and by safetensors."""
import random_llama

random_llama.compare(layers=20, dim=1280, ffn=3456, vocab=32000)
