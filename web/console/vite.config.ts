/** Builds the console: relative addresses, since it stands at `/` on a laptop and under `/console/` on the CDN. */

import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { input: { index: "index.html", preview: "preview.html", try: "try.html" } },
  },
  server: { proxy: { "^/(api|identity|v1|docs|openapi.json|health|config.json|exports|cards)": "http://localhost:8000" } },
});
