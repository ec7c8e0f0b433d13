// A canvas to draw on, by mouse, finger or keys: dark ink on white paper, as the model knows digits.
const PEN = 24;
const STEP = 10;

export class Drawing {
  #context;
  #canvas;
  #drawing = null; // the pointer that draws
  #pen = { x: 140, y: 70, down: false }; // of the keys
  #paper = null; // what the keys' pen is shown on

  constructor(canvas, changed) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { willReadFrequently: true });
    this.changed = changed;
    this.clear();
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.#up(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#hidePen());
  }

  clear() {
    this.empty = true;
    this.#paper = null;
    this.#pen = { x: 140, y: 70, down: false };
    this.#context.fillStyle = "#fff";
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  // What was drawn, as a PNG file.
  async file() {
    this.#hidePen();
    const blob = await new Promise((resolve) => this.#canvas.toBlob(resolve, "image/png"));
    return new File([blob], "drawn.png", { type: "image/png" });
  }

  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) * this.#canvas.width) / box.width,
      y: ((event.clientY - box.top) * this.#canvas.height) / box.height,
    };
  }

  #down(event) {
    if (this.#drawing !== null || event.button !== 0) return;
    this.#hidePen();
    this.#drawing = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.last = this.#place(event);
    this.#line(this.last, this.last);
  }

  #move(event) {
    if (event.pointerId !== this.#drawing) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) {
      const here = this.#place(each);
      this.#line(this.last, here);
      this.last = here;
    }
  }

  #up(event) {
    if (event.pointerId === this.#drawing) this.#drawing = null;
  }

  #line(from, to) {
    const context = this.#context;
    context.strokeStyle = "#000";
    context.lineWidth = PEN;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
    this.empty = false;
    this.changed();
  }

  #key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (event.key !== " " && !move) return;
    event.preventDefault();
    this.#hidePen();
    const from = { ...this.#pen };
    if (move) {
      this.#pen.x = Math.min(Math.max(from.x + move[0] * STEP, PEN / 2), this.#canvas.width - PEN / 2);
      this.#pen.y = Math.min(Math.max(from.y + move[1] * STEP, PEN / 2), this.#canvas.height - PEN / 2);
    } else this.#pen.down = !this.#pen.down;
    if (this.#pen.down) this.#line(from, this.#pen);
    this.#showPen();
  }

  // The pen is drawn over the paper, and taken away before anything else is.
  #showPen() {
    this.#paper = this.#context.getImageData(0, 0, this.#canvas.width, this.#canvas.height);
    this.#context.beginPath();
    this.#context.arc(this.#pen.x, this.#pen.y, PEN / 2 + 3, 0, 2 * Math.PI);
    this.#context.lineWidth = 3;
    this.#context.strokeStyle = this.#pen.down ? "#c02626" : "#0f766e";
    this.#context.stroke();
  }

  #hidePen() {
    if (this.#paper) this.#context.putImageData(this.#paper, 0, 0);
    this.#paper = null;
  }
}
