"""The same on a machine and on a laptop: asks the model, and says how the boot went.

On a machine: `[handoff] mode = "python"`, `app = ".../hello.py"`. On a laptop: VECTOR_BOOT_MODEL=model.gguf python3 hello.py
"""

import vector_boot

model = vector_boot.Model()
vector_boot.ready()
print("booted by vector_boot" if vector_boot.is_booted() else "on a laptop")
print(model.chat("Say hello in one short sentence.", max_tokens=30))
for span in vector_boot.boot_timeline():
    print(f"{span.begin:8.1f} ms  {span.name}")
