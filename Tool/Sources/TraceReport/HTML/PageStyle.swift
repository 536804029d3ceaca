/// How the page looks, on screens light and dark and on paper.
enum PageStyle {
    /// The signs of the timeline, drawn once and used many times.
    static let marks: Markup = """
        <svg class="defs" width="0" height="0" aria-hidden="true"><defs>
        <path id="m-sent" d="M0-4.5 4 3.5H-4Z"/><path id="m-again" d="M0-4 3.4 3H-3.4Z"/><path id="m-received" d="M0 4.5 4-3.5H-4Z"/>
        <path id="m-turned-away" d="M0 4.5 4-3.5H-4Z"/><circle id="m-answer" r="3.2"/><path id="m-refused" d="M-3.4-3.4 3.4 3.4M3.4-3.4-3.4 3.4"/>
        <path id="m-nominated" d="M0-6 1.8-1.9 6-1.6 2.8 1.2 3.8 5.6 0 3.2-3.8 5.6-2.8 1.2-6-1.6-1.8-1.9Z"/>
        <path id="m-selected" d="M0-6 6 0 0 6-6 0Z"/><circle id="m-candidate" r="3.6"/>
        </defs></svg>
        """

    static let sheet: Markup = """

        :root { --page:#f6f7f9; --card:#fff; --ink:#1b2330; --soft:#5b6675; --line:#dde2e9; --grid:#e6eaf0;
          --good:#1a7f4b; --bad:#c4342b; --warn:#9a6200; --go:#2a6fc9; --wait:#aeb8c5; --frozen:#d9dfe7; --peer:#8a4fc0; --star:#b07a00;
          --good-bg:#e3f4ea; --bad-bg:#fdeae8; --warn-bg:#fdf3dd; --go-bg:#e5effb; --wait-bg:#eef1f5;
          --r0:#2a6fc9; --r1:#c2570c; --r2:#8a4fc0; --r3:#0d7f86; }
        @media (prefers-color-scheme: dark) { :root { --page:#12161d; --card:#1b212b; --ink:#e6eaf0; --soft:#9aa6b5; --line:#323b48;
          --grid:#2a323e; --good:#4cc38a; --bad:#ff7b72; --warn:#e3b341; --go:#6cb0ff; --wait:#66717f; --frozen:#3d4754; --peer:#c39bf0; --star:#f0c24b;
          --good-bg:#16322a; --bad-bg:#3c2122; --warn-bg:#362c17; --go-bg:#1b2d45; --wait-bg:#262d38;
          --r0:#6cb0ff; --r1:#f5a25d; --r2:#c39bf0; --r3:#56c7cf; } }
        @media print { :root { --page:#fff; --card:#fff; --ink:#000; --soft:#444; --line:#bbb; --grid:#ddd;
          --good:#1a7f4b; --bad:#c4342b; --warn:#9a6200; --go:#2a6fc9; --wait:#aeb8c5; --frozen:#d9dfe7; --peer:#8a4fc0; --star:#b07a00;
          --good-bg:#e3f4ea; --bad-bg:#fdeae8; --warn-bg:#fdf3dd; --go-bg:#e5effb; --wait-bg:#eef1f5;
          --r0:#2a6fc9; --r1:#c2570c; --r2:#8a4fc0; --r3:#0d7f86; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        header, main { max-width: 1260px; margin: 0 auto; padding: 0 24px; }
        header p { margin: 18px 0 8px; color: var(--soft); }
        section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 20px; margin: 0 0 16px; }
        h1 { font-size: 23px; line-height: 1.3; margin: 2px 0 8px; overflow-wrap: anywhere; }
        h2 { font-size: 17px; margin: 0 0 8px; } h3 { font-size: 15px; margin: 0 0 6px; } h4 { font-size: 13px; margin: 8px 0 2px; color: var(--soft); }
        ul { margin: 0; padding-left: 20px; } li { margin: 2px 0; overflow-wrap: anywhere; }
        .note { color: var(--soft); margin: 0 0 8px; font-size: 13px; }
        a { color: var(--go); } small { color: var(--soft); } .lines a { text-decoration: none; } .lines a + a::before { content: "· "; color: var(--soft); }
        .verdict { border-left: 8px solid var(--edge); background: var(--tint); }
        .verdict .sign { display: inline-block; width: 1.5em; height: 1.5em; line-height: 1.5em; text-align: center; border-radius: 50%;
          background: var(--edge); color: var(--card); margin-right: 6px; }
        .o-connected { --edge: var(--good); --tint: var(--good-bg); } .o-failed, .o-lost { --edge: var(--bad); --tint: var(--bad-bg); }
        .o-silent, .o-unfinished { --edge: var(--warn); --tint: var(--warn-bg); }
        .tiles { display: flex; flex-wrap: wrap; gap: 6px 28px; margin: 10px 0 0; } .tiles dt { font-size: 12px; color: var(--soft); }
        .tiles dd { margin: 0; font-size: 18px; font-weight: 600; }
        .finding + .finding { border-top: 1px solid var(--line); margin-top: 12px; padding-top: 12px; }
        .why .finding:first-of-type h3 { font-size: 17px; }
        .advice li::marker { content: "→ "; color: var(--go); }
        .remarks { font-size: 14px; }
        .scroll { overflow-x: auto; } .scroll svg { display: block; width: 100%; min-width: 980px; height: auto; }
        .defs { position: absolute; }
        svg text { font: 11px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: var(--ink); }
        svg text.group { font: 600 12.5px system-ui, "DejaVu Sans", sans-serif; } svg text.label { font-size: 10.5px; }
        svg text.tick { fill: var(--soft); text-anchor: middle; font-size: 10px; } svg text.y-tick { fill: var(--soft); text-anchor: end; font-size: 10px; }
        svg .pair text { fill: var(--soft); } svg .used text { font-weight: 700; }
        svg text.state { fill: var(--ink); font-size: 11px; pointer-events: none; } svg text.reason { fill: var(--bad); font-size: 10.5px; }
        .grid { stroke: var(--grid); } .guide { stroke-width: 1.2; stroke-dasharray: 3 3; stroke: var(--wait); }
        .guide.s-connected, .guide.s-completed { stroke: var(--good); } .guide.s-failed { stroke: var(--bad); } .guide.s-disconnected { stroke: var(--warn); }
        .state-bar { stroke: var(--card); fill: var(--wait-bg); } .state-bar.s-checking { fill: var(--go-bg); stroke: var(--go); }
        .state-bar.s-connected, .state-bar.s-completed { fill: var(--good-bg); stroke: var(--good); }
        .state-bar.s-failed { fill: var(--bad-bg); stroke: var(--bad); } .state-bar.s-disconnected { fill: var(--warn-bg); stroke: var(--warn); }
        .gathering { fill: var(--wait); } .trip { stroke: var(--good); stroke-width: 1.2; }
        .band.s-frozen, .b-frozen { fill: var(--frozen); background: var(--frozen); } .band.s-waiting, .b-waiting { fill: var(--wait); background: var(--wait); }
        .band.s-in-progress, .b-in-progress { fill: var(--go); background: var(--go); } .band.s-succeeded, .b-succeeded { fill: var(--good); background: var(--good); }
        .band.s-failed, .b-failed { fill: var(--bad); background: var(--bad); } .band.s-unknown { fill: none; stroke: var(--soft); }
        .m-sent { fill: var(--go); } .m-again { fill: var(--card); stroke: var(--go); stroke-width: 1.1; } .m-received { fill: var(--peer); }
        .m-answer { fill: var(--good); } .m-refused { stroke: var(--bad); stroke-width: 2.2; fill: none; } .m-nominated { fill: var(--star); } .m-turned-away { fill: var(--card); stroke: var(--bad); stroke-width: 1.4; }
        .m-selected { fill: none; stroke: var(--star); stroke-width: 2; } .m-candidate { fill: var(--soft); }
        .life { fill: var(--wait); } .life.k-srflx, .life.k-prflx { fill: var(--r3); } .life.k-relay { fill: var(--r1); } .life.k-host { fill: var(--r0); }
        .legend { display: flex; flex-wrap: wrap; gap: 2px 13px; margin: 0 0 8px; font-size: 12px; color: var(--soft); }
        .legend .key { width: 14px; height: 14px; vertical-align: -2px; margin-right: 3px; }
        .legend i { display: inline-block; width: 16px; height: 8px; margin-right: 4px; } .legend i.r0 { background: var(--r0); } .legend i.r1 { background: var(--r1); }
        .legend i.r2 { background: var(--r2); } .legend i.r3 { background: var(--r3); } .legend i.tick-unanswered { width: 3px; height: 11px; background: var(--bad); }
        path.r0, path.r1, path.r2, path.r3 { fill: none; stroke-width: 1.6; } path.spread { stroke: none; fill: var(--wait); opacity: .45; } path.r0 { stroke: var(--r0); } path.r1 { stroke: var(--r1); }
        path.r2 { stroke: var(--r2); } path.r3 { stroke: var(--r3); } circle.r0 { fill: var(--r0); } circle.r1 { fill: var(--r1); } circle.r2 { fill: var(--r2); }
        circle.r3 { fill: var(--r3); } .unanswered { stroke: var(--bad); stroke-width: 2; }
        table { border-collapse: collapse; font-size: 13px; } th { text-align: left; font-weight: 600; } th, td { padding: 4px 10px 4px 0; vertical-align: top; }
        tbody tr { border-top: 1px solid var(--line); } .address, .events td { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 12px; }
        .matrix { border-spacing: 3px; border-collapse: separate; } .matrix th { font: 600 12px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; padding: 6px 8px; max-width: 230px; overflow-wrap: anywhere; }
        .matrix small { display: block; font: 11px system-ui, "DejaVu Sans", sans-serif; } .matrix caption { text-align: left; color: var(--soft); padding-bottom: 4px; }
        .matrix th[scope=row] { white-space: nowrap; } .matrix tbody tr { border: 0; }
        .compact .cell { min-width: 84px; max-width: 130px; font-size: 12px; padding: 4px 7px; } .compact th[scope=col] { font-size: 11px; min-width: 84px; max-width: 130px; } .corner { color: var(--soft); font-size: 12px; }
        .cell { padding: 7px 10px; border-radius: 6px; min-width: 150px; max-width: 250px; background: var(--wait-bg); border-left: 5px solid var(--wait); }
        .cell strong, .cell b, .cell .why, .cell .bad { display: block; } .cell .why { font-size: 12px; overflow-wrap: anywhere; } .cell .bad { color: var(--bad); font-size: 12px; }
        .cell.s-succeeded { background: var(--good-bg); border-color: var(--good); } .cell.s-failed { background: var(--bad-bg); border-color: var(--bad); }
        .cell.s-in-progress { background: var(--go-bg); border-color: var(--go); } .none { text-align: center; color: var(--soft); }
        td.s-succeeded { color: var(--good); } td.s-failed { color: var(--bad); } td.s-in-progress { color: var(--go); } .cell.cell { color: inherit; }
        .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(480px, 1fr)); gap: 8px 32px; } .kind { font-weight: 600; }
        .kind.k-host { color: var(--r0); } .kind.k-srflx, .kind.k-prflx { color: var(--r3); } .kind.k-relay { color: var(--r1); }
        details { margin-top: 10px; } summary { cursor: pointer; color: var(--go); } #filter { display: flex; flex-wrap: wrap; gap: 6px 18px; margin: 10px 0; align-items: center; }
        #filter[hidden] { display: none; } input, select { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 5px; padding: 3px 6px; }
        .events td:nth-child(-n+3) { white-space: nowrap; } .events td:nth-child(4) { overflow-wrap: anywhere; } .events tr:target { background: var(--warn-bg); }
        .events td:first-child { color: var(--soft); text-align: right; }
        @media (max-width: 640px) { header, main { padding: 0 10px; } section { padding: 12px; } .columns { grid-template-columns: 1fr; } }
        @media print { body { print-color-adjust: exact; -webkit-print-color-adjust: exact; font-size: 12px; } #filter { display: none; }
          section, article, tr { break-inside: avoid; } .scroll { overflow: visible; } .scroll svg { min-width: 0; } }

        """
}
