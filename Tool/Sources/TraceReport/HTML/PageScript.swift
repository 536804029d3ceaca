/// The few lines that filter the raw events. Without them the page says the same.
enum PageScript {
    static let source: Markup = """

        const form = document.getElementById('filter');
        const rows = [...document.querySelectorAll('.events tbody tr[id]')];
        form.hidden = false;
        form.addEventListener('submit', event => event.preventDefault());
        form.addEventListener('input', () => {
          const text = form.elements.text.value.toLowerCase(), kind = form.elements.kind.value;
          let shown = 0;
          for (const row of rows) {
            row.hidden = (kind && row.cells[2].textContent !== kind) || !row.textContent.toLowerCase().includes(text);
            if (!row.hidden) shown++;
          }
          form.querySelector('output').textContent = shown + ' of ' + rows.length;
        });

        """

    /// SHA-256 of the source: the browser runs this script and no other, whatever else may have got into the page.
    private static let digest = "PDbf3IugX0iOunQKIIT+AzhJZl9bAO+yI839ctyBmOU="

    static let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-\(digest)'"
}
