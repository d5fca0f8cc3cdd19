import type { Page } from 'playwright-core';

export const ada = { name: 'Ada Admin', email: 'ada@example.com', password: 'seven quiet herons at dawn' };

/** The first person, as they come: the link of the terminal, a form, the console. */
export async function setUpBy(page: Page, link: string, person = ada): Promise<void> {
  await page.goto(link);
  await page.getByLabel('Your name').fill(person.name);
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button').first().click();
  await ready(page);
}

export async function signIn(page: Page, url: string, person = ada): Promise<void> {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await ready(page);
}

/** The console is there, with its connection open. */
export async function ready(page: Page): Promise<void> {
  await page.locator('main h1').first().waitFor();
  await pillIs(page, 'live');
}

/** Waits until the pill tells this of the connection. */
export async function pillIs(page: Page, kind: string, withinMs = 20_000): Promise<void> {
  await page.locator(`[data-live="${kind}"]`).waitFor({ timeout: withinMs });
}
