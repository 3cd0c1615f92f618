// Before anything is painted: which colours, and whether the frame of the console or its door is shown while scripts come.
(() => {
  const { dataset } = document.documentElement;
  dataset.theme = localStorage.getItem("agenthub.theme") ?? "auto";
  dataset.frame = localStorage.getItem("agenthub.session") && !/^#\/(workspaces|invitations)\b/.test(location.hash) ? "console" : "door";
})();
