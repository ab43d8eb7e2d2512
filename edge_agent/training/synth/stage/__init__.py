"""All that needs Blender (`bpy`): meshes, materials, the items themselves, rendering. One unit is one centimetre."""
