exec crash
