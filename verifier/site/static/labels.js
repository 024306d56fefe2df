// Names, for screen readers, of what Datasette's own forms and links leave without one.
const NAMES = {
  "select[name^=_filter_column]": "Column",
  "select[name^=_filter_op]": "Comparison",
  "input[name^=_filter_value]": "Value",
  "select#sort_by": "Sort by column",
  ".CodeMirror textarea": "SQL",
  "a.cross": "Take this facet or filter away",
};

function nameThem() {
  for (const [places, name] of Object.entries(NAMES)) {
    for (const element of document.querySelectorAll(places)) {
      element.setAttribute("aria-label", name);
    }
  }
}

// after Datasette's own onload, which puts the editor in place
window.addEventListener("load", () => setTimeout(nameThem));
