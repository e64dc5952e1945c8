// Where a line may be broken within code, and where not. Without scripts
// nothing is lost but looks.
"use strict";
(() => {
    // `-p name` is not broken behind its hyphen, but before it.
    for (const code of document.querySelectorAll(":not(pre) > code")) {
        if (code.children.length > 0 || !/(^| )-/.test(code.textContent)) {
            continue;
        }
        const words = code.textContent.split(/( )/);
        code.replaceChildren(...words.map((word) => {
            if (!word.startsWith("-")) {
                return word;
            }
            const whole = document.createElement("span");
            whole.style.whiteSpace = "nowrap";
            whole.textContent = word;
            return whole;
        }));
    }
    // The long names of tests and files are broken between their words.
    for (const code of document.querySelectorAll(".tests td code, .names td code")) {
        if (code.children.length > 0) {
            continue;
        }
        const words = code.textContent.split(/(?<=\/|::|_)/);
        code.replaceChildren(...words.flatMap((word) => [word, document.createElement("wbr")]));
    }
    // A cell with a single short word is not broken at its hyphen.
    for (const cell of document.querySelectorAll(".content td")) {
        if (/^\S{1,12}$/.test(cell.textContent.trim())) {
            cell.style.whiteSpace = "nowrap";
        }
    }
})();
