// The sound: once for each critical alert. A browser plays nothing before somebody has tapped, so the crew starts it and hears it.
"use strict";
(function () {
  const MUTE_MS = 10 * 60 * 1000;
  const FRESH_MS = 20 * 1000; // an older alert is no news to a page that was opened later
  const MOST_KEPT = 50;
  const LOUD = [[880, 0], [660, 0.22], [880, 0.44], [660, 0.66], [880, 0.88], [660, 1.1]];
  const MILD = [[660, 0], [880, 0.25]];
  const panel = document.getElementById("sound");
  const Context = window.AudioContext || window.webkitAudioContext;
  const context = Context ? new Context() : null;
  let asking = false;
  let played = read("sounded", []);

  function read(name, otherwise) {
    try {
      const kept = JSON.parse(localStorage.getItem(name));
      return kept === null ? otherwise : kept;
    } catch {
      return otherwise;
    }
  }

  function keep(name, value) {
    try {
      localStorage.setItem(name, JSON.stringify(value));
    } catch {
      // A browser that keeps nothing still plays.
    }
  }

  const mutedUntil = () => read("muted-until", 0);
  const isMuted = () => Date.now() < mutedUntil() && mutedUntil() - Date.now() <= MUTE_MS;

  function play(notes) {
    notes.forEach(([pitch_hz, after_s]) => {
      const at = context.currentTime + after_s;
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.type = "square";
      tone.frequency.value = pitch_hz;
      volume.gain.setValueAtTime(0.0001, at);
      volume.gain.exponentialRampToValueAtTime(0.5, at + 0.02);
      volume.gain.setValueAtTime(0.5, at + 0.16);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.2);
      tone.connect(volume).connect(context.destination);
      tone.start(at);
      tone.stop(at + 0.22);
    });
    document.dispatchEvent(new CustomEvent("sound:played", { detail: notes.length }));
  }

  function state() {
    if (!context) return "failed";
    if (asking) return "asking";
    if (context.state !== "running" || !read("sound-heard", false)) return "asleep";
    return isMuted() ? "muted" : "on";
  }

  function show() {
    const now = state();
    document.body.dataset.sound = now;
    panel.querySelectorAll("[data-sound-state]").forEach((part) => {
      part.hidden = part.dataset.soundState !== now;
    });
    const until = panel.querySelector("[data-muted-until]");
    const time = window.formats.time.format(mutedUntil() || Date.now());
    until.textContent = until.dataset.mutedUntil.replace("{time}", time);
  }

  const does = {
    test: () => context.resume().then(() => { asking = true; play(MILD); show(); }),
    yes: () => { asking = false; keep("sound-heard", true); },
    mute: () => keep("muted-until", Date.now() + MUTE_MS),
    unmute: () => keep("muted-until", 0),
  };

  // Once: what has sounded is remembered, also over a reload, and what was muted does not sound later.
  function listen() {
    document.querySelectorAll("[data-sound]").forEach((band) => {
      const alert = band.dataset.sound;
      if (played.includes(alert)) return;
      played = [...played, alert].slice(-MOST_KEPT);
      keep("sounded", played);
      const age_ms = Date.now() + window.formats.aheadMs - Date.parse(band.dataset.raised);
      if (age_ms < FRESH_MS && context && context.state === "running" && !isMuted()) play(LOUD);
    });
  }

  panel.addEventListener("click", (event) => {
    const button = event.target.closest("[data-sound-do]");
    if (!button) return;
    does[button.dataset.soundDo]();
    show();
  });
  // Any tap lets a browser play again that was reloaded.
  document.addEventListener("pointerdown", () => context && context.state !== "running" && context.resume().then(show));
  document.addEventListener("live:shown", listen);
  if (context) context.addEventListener("statechange", show);
  setInterval(show, 1000);
  show();
})();
