import { defineConfig } from 'vite';

export default defineConfig({
  // Pages are served as /d/UID, too, as Grafana's are.
  base: '/',
  esbuild: { jsx: 'automatic' },
  // Grafana's components expect what webpack gives them.
  define: { 'process.env': '{}', global: 'globalThis' },
  // It is read from this machine: a smaller page would only take longer to build.
  build: {
    target: 'es2022', minify: false, sourcemap: false, reportCompressedSize: false, chunkSizeWarningLimit: 50000,
    // What bundlers think of comments in the packages is for their authors. Errors are no warnings.
    rollupOptions: { onwarn: () => {} },
  },
});
