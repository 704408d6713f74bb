// A person adds, edits, finds and deletes a note: with and without JavaScript, on a desktop and on
// a phone, in the light and in the dark.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { startApp, startBrowser } from "./app.js";

const artefacts = process.env.ARTEFACTS ?? "artefacts";
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

let app;
let browser;

before(async () => {
  await mkdir(artefacts, { recursive: true });
  [app, browser] = await Promise.all([startApp(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await app?.stop();
});

/**
 * Opens a new visitor's first page, and fails the test on any error in the browser. One status may
 * be answered: the browser counts it as an error, and the test asks for it.
 */
const visit = async ({ mayFail, ...options }, use) => {
  const context = await browser.newContext({ baseURL: app.address, ...options });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  const expected = (error) => mayFail && error.includes(`status of ${mayFail}`);
  try {
    await page.goto("/");
    await use(page);
    assert.deepEqual(errors.filter((error) => !expected(error)), []);
  } finally {
    await context.close();
  }
};

const note = (page, text) => page.getByRole("listitem").filter({ hasText: text });

/** Loads the page again, once a second, until the worker has summed it up. */
const digest = async (page, text) => {
  for (let tries = 0; tries < 20; tries += 1) {
    if (await page.getByText(text).isVisible()) return;
    await page.waitForTimeout(1000);
    await page.reload();
  }
  assert.fail(`there is no digest “${text}”`);
};

const addEditFindDelete = async (page, name) => {
  await page.getByLabel("A new notebook").fill(`Notebook of ${name}`);
  await page.getByRole("button", { name: "Make" }).click();
  await page.getByRole("heading", { name: `Notebook of ${name}` }).waitFor();
  for (const text of ["Buy milk", "Call the baker", "Water the plants"]) {
    await page.getByLabel("A new note", { exact: true }).fill(text);
    await page.getByRole("button", { name: "Add" }).click();
    await note(page, text).waitFor();
  }
  await note(page, "Call the baker").getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("The note").fill("Call the butcher");
  await page.getByRole("button", { name: "Save" }).click();
  await note(page, "Call the butcher").getByText("edited").waitFor();
  await page.screenshot({ path: join(artefacts, `${name}.png`), fullPage: true });
  await page.getByLabel("Search").fill("MILK");
  await page.getByRole("button", { name: "Find" }).click();
  await note(page, "Call the butcher").waitFor({ state: "detached" });
  await note(page, "Buy milk").getByRole("button", { name: "Delete" }).click();
  await note(page, "Buy milk").waitFor({ state: "detached" });
  await note(page, "Water the plants").waitFor();
};

for (const [device, screen] of Object.entries({ desktop, phone })) {
  for (const [script, javaScriptEnabled] of [["with", true], ["without", false]]) {
    const name = `${device}-${script}-javascript`;
    test(`on a ${device} ${script} JavaScript a note is added, edited, found and deleted`, () =>
      visit({ ...screen, javaScriptEnabled }, (page) => addEditFindDelete(page, name)));
  }
}

test("with JavaScript the page is not loaded again, and says what it did", () =>
  visit(desktop, async (page) => {
    await page.evaluate(() => (window.same = true));
    await page.getByLabel("A new note", { exact: true }).fill("Stay here");
    await page.getByRole("button", { name: "Add" }).click();
    await note(page, "Stay here").waitFor();
    await page.getByRole("status").filter({ hasText: "Added." }).waitFor();
    await page.getByLabel("Search").pressSequentially("nothing like it");
    await page.getByText("No note has this text.").waitFor();
    assert.equal(await page.evaluate(() => window.same), true);
  }));

for (const [script, javaScriptEnabled] of [["with", true], ["without", false]]) {
  test(`${script} JavaScript two who edit one note at once both see what happened`, () =>
    visit({ ...desktop, javaScriptEnabled, mayFail: 409 }, async (page) => {
      await page.getByLabel("A new note", { exact: true }).fill(`To be edited ${script}`);
      await page.getByRole("button", { name: "Add" }).click();
      await note(page, `To be edited ${script}`).getByRole("link", { name: "Edit" }).click();
      const editor = page.url();
      await visit(phone, async (other) => {
        await other.goto(editor);
        await other.getByLabel("The note").fill(`Theirs ${script}`);
        await other.getByRole("button", { name: "Save" }).click();
        await note(other, `Theirs ${script}`).waitFor();
      });
      await page.getByLabel("The note").fill(`Mine ${script}`);
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByRole("alert").waitFor();
      await page.getByText(`Theirs ${script}`).waitFor();
      assert.equal(await page.getByLabel("The note").inputValue(), `Mine ${script}`);
      await page.screenshot({ path: join(artefacts, `conflict-${script}-javascript.png`) });
      await page.getByRole("button", { name: "Save" }).click();
      await note(page, `Mine ${script}`).waitFor();
    }));
}

test("text of any script and direction stays inside its note", () =>
  visit(phone, async (page) => {
    const strange = ["\u202Eright to left", "שלום עולם", "Z\u0300\u0301\u0302\u0303algo", "🧑🏽‍🚀".repeat(40),
      "x".repeat(300), "<b onclick=alert(1)>", "\n\n  indented"];
    for (const text of strange) {
      await page.getByLabel("A new note", { exact: true }).fill(text);
      await page.getByRole("button", { name: "Add" }).click();
      await page.getByRole("status").filter({ hasText: "Added." }).waitFor();
      await page.evaluate(() => (document.getElementById("status").textContent = ""));
    }
    await page.screenshot({ path: join(artefacts, "strange-texts.png"), fullPage: true });
    const shown = await page.locator("p.body").allTextContents();
    for (const text of strange) assert.ok(shown.includes(text.trim()), text);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
  }));

test("with JavaScript going back shows the page one came from", () =>
  visit(desktop, async (page) => {
    await page.getByLabel("A new notebook").fill("There and back");
    await page.getByRole("button", { name: "Make" }).click();
    await page.getByRole("heading", { name: "There and back" }).waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "Notes for everyone" }).waitFor();
  }));

test("a visitor who comes is counted on the pages of those who are there", () =>
  visit(desktop, async (page) => {
    const number = async () => Number(await page.locator("#visitors").textContent());
    const begin = await number();
    await visit(phone, async () => {});
    await page.waitForFunction(
      (least) => Number(document.getElementById("visitors").textContent) > least,
      begin,
    );
  }));

test("everything can be done with the keyboard, beginning with a skip of the header", () =>
  visit(desktop, async (page) => {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement.id === "content");
    await page.keyboard.press("Tab");
    await page.keyboard.type("Typed by keyboard");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await note(page, "Typed by keyboard").waitFor();
  }));

for (const colorScheme of ["light", "dark"]) {
  for (const [device, screen] of Object.entries({ desktop, phone })) {
    test(`axe finds nothing on a ${device} in the ${colorScheme}`, { timeout: 120_000 }, () =>
      visit({ ...screen, colorScheme }, async (page) => {
        await page.getByLabel("A new notebook").fill("Groceries");
        await page.getByRole("button", { name: "Make" }).click();
        await page.getByRole("heading", { name: "Groceries" }).waitFor();
        for (const text of ["Olive oil, the good one", "Two loaves of bread", "Milk"]) {
          await page.getByLabel("A new note", { exact: true }).fill(text);
          await page.getByRole("button", { name: "Add" }).click();
          await note(page, text).waitFor();
        }
        await digest(page, "3 notes, 10 words");
        await page.screenshot({ path: join(artefacts, `${device}-${colorScheme}.png`) });
        const edit = await page.getByRole("link", { name: "Edit" }).first().getAttribute("href");
        for (const address of [page.url(), "/", edit, "/api/v1/docs"]) {
          await page.goto(address);
          const { violations } = await new AxeBuilder({ page }).analyze();
          assert.deepEqual(violations, [], address);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
          assert.equal(wide, false, `${address} scrolls sideways`);
        }
      }));
  }
}
