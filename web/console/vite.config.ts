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
  // The host stays the one that the browser asked, so that config.json names this server and nothing is of another origin.
  server: { proxy: { "^/(api|identity|v1|docs|openapi.json|health|config.json|exports|cards)": { target: "http://localhost:8000", changeOrigin: false } } },
});
