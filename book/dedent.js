// Listings are cut out of the sources, and stand there as far to the right as
// they stand in their file. Here they move to the left as a whole. Without
// scripts nothing is lost but room.
"use strict";
(() => {
    const indent = (text) => {
        const lines = text.split("\n").filter((line) => line.trim() !== "");
        const widths = lines.map((line) => line.match(/^ */)[0].length);
        return widths.length === 0 ? 0 : Math.min(...widths);
    };
    for (const code of document.querySelectorAll("pre > code.language-rust")) {
        const width = indent(code.textContent);
        if (width === 0) {
            continue;
        }
        // Highlighting has cut the text into pieces: a line's blanks may begin
        // in one and end in another.
        let left = width;
        const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            let text = "";
            for (const character of walker.currentNode.data) {
                if (character === "\n") {
                    left = width;
                } else if (left > 0 && character === " ") {
                    left -= 1;
                    continue;
                } else {
                    left = 0;
                }
                text += character;
            }
            walker.currentNode.data = text;
        }
    }
})();
