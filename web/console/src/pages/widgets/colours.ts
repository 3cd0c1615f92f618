/** The contrast of two colours as WCAG 2 defines it, so that a ratio follows the pointer and needs no answer. */

/** What words need: a little more than WCAG's 4.5, as the widget's palette does. */
export const TEXT = 5.5;

const luminance = (colour: string): number => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

/** 1 to 21. */
export function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** The smallest ratio of a colour to what it stands on or beside. */
export const weakest = (colour: string, grounds: string[]): number => Math.min(...grounds.map((ground) => contrast(colour, ground)));

/** "7.21 : 1", rounded down: what fails must not be shown as what passes. */
export const ratio = (value: number): string => `${(Math.floor(value * 100) / 100).toFixed(2)} : 1`;
