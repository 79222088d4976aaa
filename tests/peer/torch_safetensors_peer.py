"""40 MB of random weights by torch and by safetensors."""
import random_llama

random_llama.compare(layers=4, dim=512, ffn=1408, vocab=6000)
